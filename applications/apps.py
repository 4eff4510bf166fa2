from django.apps import AppConfig


class ApplicationsConfig(AppConfig):
    name = "applications"
    verbose_name = "Candidatures"

    def ready(self):
        # They say what they do, and when.
        from applications import circuit_mails, mails, offer_mails, offer_news, papers, pieces, service_mails  # noqa: F401
        from applications.commission import letters as session_letters  # noqa: F401
        from applications.reminders import letters  # noqa: F401
