from django.urls import path

from applications.views import commission, files

app_name = "commission"
urlpatterns = [
    path("", commission.index, name="list"),
    path("seances/<int:pk>/", commission.session, name="session"),
    path("seances/<int:pk>/dossiers.zip", files.session_dossiers, name="session_dossiers"),
    path("seances/<int:pk>/proces-verbal.pdf", files.session_minutes, name="session_minutes"),
    path("<uuid:pk>/", commission.detail, name="detail"),
    path("<uuid:pk>/avis/", commission.review, name="review"),
    path("<uuid:pk>/deport/", commission.recuse, name="recuse"),
    path("<uuid:pk>/dossier.pdf", files.examined_document, name="document"),
    path("<uuid:pk>/volume.pdf", files.examined_bundle, name="bundle"),
    path("<uuid:pk>/fichier/<uuid:piece_pk>/", files.examined_piece, name="piece_file"),
]
