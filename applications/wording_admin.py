"""HR's pages for the words of an offer's mails: write them, see them on a real dossier, send oneself a test."""

from __future__ import annotations

from csp.decorators import csp_replace
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_POST

from applications import wording
from applications.models import Application, MailText
from offers.models import Offer
from portal.forms import WholeTextarea
from portal.notifications import outbox
from portal.notifications.outbox import Letter

IN_A_FRAME = {"style-src": ["'unsafe-inline'"], "frame-ancestors": ["'self'"]}


class DossierChoice(forms.ModelChoiceField):
    def label_from_instance(self, application: Application) -> str:
        return f"{application.candidate.get_full_name()} ({application.number or 'en préparation'})"


class MailTextForm(forms.ModelForm):
    """Empty: the portal's own words."""

    sample = DossierChoice(
        Application.objects.none(),
        required=False,
        label="Dossier pour l’aperçu et l’essai",
        empty_label="Une candidature inventée",
    )

    class Meta:
        model = MailText
        fields = ["subject", "intro"]
        widgets = {
            "subject": forms.TextInput(attrs={"size": 80}),
            "intro": WholeTextarea(attrs={"rows": 8, "cols": 80}),
        }
        help_texts = {
            "subject": "Vide : l’objet du portail.",
            "intro": "Remplace les premières phrases, après « Bonjour ». Une ligne vide sépare deux paragraphes. "
            "Vide : les phrases du portail.",
        }

    def __init__(self, text: wording.Text, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.text = text
        applications = self.instance.offer.applications.select_related("candidate").order_by("-created_at", "pk")
        self.fields["sample"].queryset = applications.exclude(state=Application.State.WITHDRAWN)

    def clean_subject(self) -> str:
        return self._checked("subject")

    def clean_intro(self) -> str:
        return self._checked("intro")

    def _checked(self, name: str) -> str:
        wording.check(self.cleaned_data[name], self.text.variables)
        return self.cleaned_data[name]

    def payload(self) -> dict:
        """What to write the letter from, for the eyes of HR, with the words as typed."""
        sample = self.cleaned_data["sample"]
        return {
            "application": str(sample.pk) if sample else None,
            "offer": self.instance.offer_id,
            "sample": self.text.outcome or "sample",
            "words": {name: self.cleaned_data[name] for name in ("subject", "intro")},
        }

    def keep(self) -> None:
        """Two empty texts are those of the portal: nothing is kept."""
        if self.cleaned_data["subject"] or self.cleaned_data["intro"]:
            self.save()
        elif self.instance.pk:
            self.instance.delete()


class WordingPages:
    """A part of the admin of applications."""

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("textes/<int:offer_pk>/", view(self.texts), name="applications_mailtexts"),
            path("textes/<int:offer_pk>/<slug:template>/", view(self.text), name="applications_mailtext"),
            path(
                "textes/<int:offer_pk>/<slug:template>/apercu/",
                view(self.text_preview),
                name="applications_mailtext_preview",
            ),
            *super().get_urls(),
        ]

    def _offer(self, request: HttpRequest, pk: int) -> Offer:
        return get_object_or_404(Offer.objects.managed_by(request.user).select_related("institution"), pk=pk)

    def texts(self, request: HttpRequest, offer_pk: int) -> HttpResponse:
        offer = self._offer(request, offer_pk)
        own = set(offer.mail_texts.values_list("template", flat=True))
        lines = [(text, text.template in own) for text in wording.texts_of(offer)]
        context = self.admin_site.each_context(request) | {
            "title": f"Textes des courriels : {offer.title}",
            "offer": offer,
            "lines": lines,
            "opts": self.opts,
        }
        return render(request, "admin/applications/mail_texts.html", context)

    def _form(self, request: HttpRequest, offer_pk: int, template: str) -> MailTextForm:
        offer = self._offer(request, offer_pk)
        text = next((text for text in wording.texts_of(offer) if text.template == template), None)
        if text is None:
            raise Http404
        kept = offer.mail_texts.filter(template=template).first() or MailText(offer=offer, template=template)
        return MailTextForm(text, request.POST if request.method == "POST" else None, instance=kept)

    def text(self, request: HttpRequest, offer_pk: int, template: str) -> HttpResponse:
        form = self._form(request, offer_pk, template)
        offer = form.instance.offer
        if request.method == "POST" and form.is_valid():
            if "test" not in request.POST:
                form.keep()
                self.log_change(request, offer, f"Texte du courriel « {form.text.label} ».")
                messages.success(request, "Le texte est enregistré : il vaut pour les prochains messages.")
                return redirect("admin:applications_mailtext", offer_pk, template)
            outbox.enqueue(form.text.builder, request.user.email, form.payload() | {"test": True})
            messages.success(request, f"L’essai part à {request.user.email}. Rien n’est encore enregistré.")
        return render(request, "admin/applications/mail_text.html", self._text_context(request, form))

    def _text_context(self, request: HttpRequest, form: MailTextForm) -> dict:
        return self.admin_site.each_context(request) | {
            "title": f"{form.text.label} : {form.instance.offer.title}",
            "offer": form.instance.offer,
            "form": form,
            "text": form.text,
            "opts": self.opts,
        }

    @method_decorator([xframe_options_sameorigin, csp_replace(IN_A_FRAME)])
    def text_preview(self, request: HttpRequest, offer_pk: int, template: str) -> HttpResponse:
        """The letter itself, in a frame of the page: its styles are written in it, as mail programs want them."""
        return require_POST(self._text_preview)(request, offer_pk, template)

    def _text_preview(self, request: HttpRequest, offer_pk: int, template: str) -> HttpResponse:
        form = self._form(request, offer_pk, template)
        if not form.is_valid():
            context = {"form": form}
            return render(request, "mails/preview_errors.html", context, status=422)
        letter: Letter = outbox.kinds[form.text.builder].write(form.payload())
        return render(request, "mails/preview.html", {"letter": letter})
