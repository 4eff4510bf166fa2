"""The roof: every address of the portal."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from applications.views.verification import verify
from portal import demo_mail, health, landing
from portal.notifications import views as preferences

urlpatterns = [
    path("", landing.home, name="home"),
    path("", include("portal.pages")),
    path("apres-connexion/", landing.after_login, name="after_login"),
    path("", include("offers.urls_machines")),
    path("offres/", include("offers.urls")),
    path("alertes/", include("offers.urls_alerts")),
    path("candidatures/", include("applications.urls")),
    path("avis/", include("applications.urls_signatory")),
    path("commission/", include("applications.urls_commission")),
    path("verifier/", verify, name="verify"),
    path("compte/messages/", preferences.own, name="mail_preferences_own"),
    path("compte/", include("allauth.account.urls")),
    path("messages/<str:token>/", preferences.by_link, name="mail_preferences"),
    path("gestion/", admin.site.urls),
    path("sante/", health.health, name="health"),
]
if settings.DEMO:
    urlpatterns.append(path("demo/courrier/", demo_mail.mailbox, name="demo_mail"))
