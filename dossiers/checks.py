"""What `manage.py check --deploy` says of the seal before the first document needs it."""

from django.conf import settings
from django.core.checks import Error, Tags, register


@register(Tags.security, deploy=True)
def seal_has_a_certificate(app_configs, **kwargs) -> list[Error]:
    if (settings.SEAL_CERTIFICATE and settings.SEAL_KEY) or settings.SEAL_SELF_SIGNED:
        return []
    return [
        Error(
            "Documents cannot be sealed: SEAL_CERTIFICATE and SEAL_KEY are not set.",
            hint="See docs/operations.md, « Le cachet des documents ».",
            id="dossiers.E001",
        )
    ]
