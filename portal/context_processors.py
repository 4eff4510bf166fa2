"""What every page of the interface needs. No query here: it runs on each page."""

from django.conf import settings


def interface(request):
    return {
        "SITE_NAME": settings.SITE_NAME,
        "STATE_BRAND": settings.STATE_BRAND,
        "DEMO": settings.DEMO,
    }
