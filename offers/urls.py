from django.urls import path

from offers import following, views

app_name = "offers"
urlpatterns = [
    path("", views.index, name="list"),
    path("favoris/", following.favourites, name="favourites"),
    path("<slug:slug>/", views.detail, name="detail"),
    path("<slug:slug>/offre.pdf", views.sheet, name="sheet"),
    path("<slug:slug>/favori/", following.favour, name="favour"),
    path("<slug:slug>/formulaire-vierge.pdf", views.blank, name="blank_form"),
]
