from django.urls import path

from applications.views import signatory

app_name = "signatory"
urlpatterns = [
    path("<str:token>/", signatory.annex, name="annex"),
    path("<str:token>/decliner/", signatory.decline, name="decline"),
]
