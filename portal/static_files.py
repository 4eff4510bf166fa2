"""What `collectstatic` leaves out of the packages: four fifths of the design system are sources and variants."""

from django.contrib.staticfiles.apps import StaticFilesConfig as DjangoStaticFilesConfig


class StaticFilesConfig(DjangoStaticFilesConfig):
    ignore_patterns = [
        *DjangoStaticFilesConfig.ignore_patterns,
        "*.md",
        *(f"dsfr/dist/{part}/*" for part in ("analytics", "component", "core", "dsfr", "layout", "legacy", "scheme")),
        "dsfr/dist/utility/colors/*",
        "dsfr/dist/utility/utility.*",
        "dsfr/dist/*legacy*",
        "dsfr/dist/dsfr.min.css",
    ]
