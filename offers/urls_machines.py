"""What programs read, at the addresses where they look for it."""

from django.urls import path

from offers import api, feeds

app_name = "machines"
urlpatterns = [
    path("sitemap.xml", feeds.sitemap, name="sitemap"),
    path("robots.txt", feeds.robots, name="robots"),
    path("api/openapi.json", api.description, name="openapi"),
    path("api/offres/", api.offers, name="api"),
    path("api/offres/<slug:slug>/", api.offer, name="api_offer"),
    path("offres/flux.atom", feeds.atom, name="atom"),
    path("offres/dates-limites.ics", feeds.calendar, name="calendar"),
    path("offres/offres.csv", feeds.spreadsheet, name="csv"),
]
