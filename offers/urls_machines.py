"""What programs read, at the addresses where they look for it."""

from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from offers import api, feeds, openapi


def _read(address: str, view, name: str):
    """Nothing is ever sent here: who tries is told so (405), rather than asked for the token of a form."""
    return path(address, csrf_exempt(view), name=name)


app_name = "machines"
urlpatterns = [
    _read("sitemap.xml", feeds.sitemap, name="sitemap"),
    _read("robots.txt", feeds.robots, name="robots"),
    _read("api/openapi.json", openapi.description, name="openapi"),
    _read("api/offres/", api.offers, name="api"),
    _read("api/offres/<str:slug>/", api.offer, name="api_offer"),
    _read("offres/flux.atom", feeds.atom, name="atom"),
    _read("offres/dates-limites.ics", feeds.calendar, name="calendar"),
    _read("offres/offres.csv", feeds.spreadsheet, name="csv"),
]
