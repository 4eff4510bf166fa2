from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    name = "applications"
    verbose_name = "Candidatures"

    def ready(self):
        from applications import mails, offer_news, pieces  # noqa: F401 (they say what they do, and when)
        from applications.reminders import letters  # noqa: F401
