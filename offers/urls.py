from django.urls import path

from offers import views

app_name = "offers"
urlpatterns = [
    path("", views.index, name="list"),
    path("<slug:slug>/", views.detail, name="detail"),
    path("<slug:slug>/formulaire-vierge.pdf", views.blank, name="blank_form"),
]
