from django.urls import path

from applications.views import annexes, candidate, carrying, files, papers, pieces, preview, sections

app_name = "applications"
urlpatterns = [
    path("", candidate.index, name="list"),
    path("commencer/<slug:slug>/", candidate.start, name="start"),
    path("<uuid:pk>/", candidate.detail, name="detail"),
    path("<uuid:pk>/messages/", candidate.thread, name="thread"),
    path("<uuid:pk>/partie/<slug:key>/", sections.section, name="section"),
    path("<uuid:pk>/piece/<slug:key>/", pieces.piece, name="piece"),
    path("<uuid:pk>/piece/<slug:key>/fichiers/", pieces.files, name="piece_files"),
    path("<uuid:pk>/fichier/<uuid:piece_pk>/", files.own_piece, name="piece_file"),
    path("<uuid:pk>/fichier/<uuid:piece_pk>/retirer/", pieces.remove, name="piece_remove"),
    path("<uuid:pk>/fichier/<uuid:piece_pk>/verifie.pdf", files.own_copy, name="copy_file"),
    path("<uuid:pk>/fichier/<uuid:piece_pk>/apercu.jpg", files.own_thumbnail, name="piece_thumbnail"),
    path("<uuid:pk>/annexe/<slug:key>/", annexes.annex, name="annex"),
    path("<uuid:pk>/annexes/papier/", papers.scans, name="scans"),
    path("<uuid:pk>/annexes/papier/<uuid:piece_pk>/placer/", papers.place, name="scan_place"),
    path("<uuid:pk>/annexe/<slug:key>/papier.pdf", papers.printed, name="annex_printed"),
    path("<uuid:pk>/annexe/<slug:key>/papier/", papers.sign, name="annex_paper"),
    path("<uuid:pk>/annexes/envoyer/", annexes.send_all, name="annexes_send"),
    path("<uuid:pk>/annexe/<slug:key>/question/<int:question_pk>/", annexes.answer_question, name="annex_question"),
    path("<uuid:pk>/annexe/<slug:key>/<slug:move>/", annexes.move_annex, name="annex_move"),
    path("<uuid:pk>/apercu/", preview.page, name="preview"),
    path("<uuid:pk>/apercu.pdf", preview.document, name="preview_document"),
    path("<uuid:pk>/recapitulatif/", candidate.recap, name="recap"),
    path("<uuid:pk>/recu/", files.receipt, name="receipt"),
    path("<uuid:pk>/recu.pdf", files.receipt_document, name="receipt_document"),
    path("<uuid:pk>/dossier.pdf", files.own_document, name="document"),
    path("<uuid:pk>/decision.pdf", files.own_decision, name="decision_document"),
    path("<uuid:pk>/volume.pdf", files.own_bundle, name="bundle"),
    path("<uuid:pk>/rouvrir/", carrying.reopen, name="reopen"),
    path("<uuid:pk>/reprendre/", carrying.take_over, name="take_over"),
    path("<uuid:pk>/ailleurs/", carrying.elsewhere, name="elsewhere"),
    path("<uuid:pk>/tout.zip", carrying.download, name="download"),
    path("<uuid:pk>/retirer/", candidate.withdraw, name="withdraw"),
]
