from django.urls import path

from applications.views import papers, signatory

app_name = "signatory"
urlpatterns = [
    path("<str:token>/", signatory.annex, name="annex"),
    path("<str:token>/demandes/", signatory.requests, name="requests"),
    path("<str:token>/brouillon/", signatory.draft, name="draft"),
    path("<str:token>/signer/", signatory.sign, name="sign"),
    path("<str:token>/confirmer/", signatory.confirm, name="confirm"),
    path("<str:token>/papier.pdf", papers.signatory_printed, name="printed"),
    path("<str:token>/papier/", papers.signatory_paper, name="paper"),
    path("<str:token>/confier/", signatory.delegate, name="delegate"),
    path("<str:token>/question/", signatory.ask, name="ask"),
    path("<str:token>/decliner/", signatory.decline, name="decline"),
]
