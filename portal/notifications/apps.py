from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class NotificationsConfig(AppConfig):
    name = "portal.notifications"
    label = "notifications"
    verbose_name = "Courrier"

    def ready(self):
        autodiscover_modules("mails")  # each app's `mails` declares what it writes to whom
