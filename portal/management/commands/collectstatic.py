from django.contrib.staticfiles.management.commands import collectstatic

# dsfr/dist: the pages load the whole of the design system (dsfr.main.min.css) or nothing.
UNUSED = [
    "*.md",
    *(f"dsfr/dist/{part}/*" for part in ("analytics", "component", "core", "dsfr", "layout", "legacy", "scheme")),
    "dsfr/dist/utility/colors/*",
    "dsfr/dist/utility/utility.*",
    "dsfr/dist/*legacy*",
    "dsfr/dist/dsfr.min.css",
]


class Command(collectstatic.Command):
    help = "Django's own, without what the packages bring and no page loads: four files out of five."

    def set_options(self, **options):
        super().set_options(**options)
        self.ignore_patterns += UNUSED
