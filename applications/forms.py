"""The forms of candidates, signatories and commission members."""

from __future__ import annotations

import re

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from applications.circuit import SIGNATORY_FIELDS
from applications.models import Recusal, Review
from dossiers.models import Annex, Opinion
from dossiers.uploads import ACCEPT, FORMATS
from portal.forms import DsfrForm, WholeTextarea
from portal.french import file_size


class StartForm(DsfrForm, forms.Form):
    understood = forms.BooleanField(
        label="J’ai lu les conditions ci-dessus et je pense les remplir.",
        error_messages={"required": "Cochez cette case pour commencer."},
    )


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """One file or several: a list in any case. What each is worth is the engine's to judge."""

    def clean(self, data, initial=None) -> list[UploadedFile]:
        files = [file for file in (data if isinstance(data, list | tuple) else [data]) if file]
        if not files:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        return files


class PieceForm(DsfrForm, forms.Form):
    show_convention = False
    file = FilesField(
        label="Choisir un fichier",
        help_text=f"{FORMATS}. {file_size(settings.UPLOAD_MAX_BYTES)} au plus par fichier. Une photo prise avec "
        "un téléphone convient si tout y est lisible.",
        error_messages={"required": "Choisissez d’abord un fichier."},
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
    )

    def __init__(self, *args, several: bool = False, **kwargs):
        super().__init__(*args, **kwargs)
        if several:
            self.fields["file"].label = "Choisir un ou plusieurs fichiers"
            self.fields["file"].widget = FilesInput(attrs={"accept": ACCEPT, "multiple": True})


class VerificationForm(DsfrForm, forms.Form):
    """A document to verify: its fingerprint, computed by the browser, or the file itself."""

    show_convention = False
    sha256 = forms.CharField(required=False, widget=forms.HiddenInput)
    file = forms.FileField(
        label="Choisir le document",
        widget=forms.FileInput(attrs={"accept": ".pdf"}),
        error_messages={"required": "Choisissez d’abord un fichier.", "empty": "Ce fichier est vide."},
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["file"].required = not self.clean_sha256()

    def clean_sha256(self) -> str:
        """What is no fingerprint counts for nothing: the file is asked for."""
        sha256 = self.data.get("sha256", "")
        return sha256 if re.fullmatch("[0-9a-f]{64}", sha256) else ""


class SignatoryForm(DsfrForm, forms.ModelForm):
    """Who is asked for an opinion."""

    class Meta:
        model = Annex
        fields = (*SIGNATORY_FIELDS, "note")
        widgets = {"note": WholeTextarea(attrs={"rows": 2})}
        help_texts = {
            "note": "Une phrase, 300 caractères au plus, sans adresse de site. Elle est ajoutée au message du portail.",
            "signatory_email": "L’adresse où cette personne lit ses messages. Le lien pour signer y est envoyé.",
            "signatory_function": "Par exemple : chef du service de cardiologie.",
        }

    def __init__(self, *args, candidate_email: str = "", **kwargs):
        super().__init__(*args, **kwargs)
        self.candidate_email = candidate_email
        for name, field in self.fields.items():
            field.required = name != "note"
            field.is_optional = name == "note"

    def clean_signatory_email(self) -> str:
        email = self.cleaned_data["signatory_email"].strip().lower()
        if email == self.candidate_email.lower():
            raise forms.ValidationError("C’est votre propre adresse : l’avis doit venir d’une autre personne.")
        return email


class DelegateForm(SignatoryForm):
    """Who answers instead of the person asked, named by that person."""

    show_convention = False

    class Meta(SignatoryForm.Meta):
        fields = SIGNATORY_FIELDS
        labels = {"signatory_name": "Nom et prénom de cette personne"}
        help_texts = {"signatory_email": "Son lien personnel y est envoyé. Le vôtre ne servira plus."}

    def __init__(self, *args, present_email: str = "", **kwargs):
        super().__init__(*args, prefix="delegue", **kwargs)
        self.present_email = present_email

    def clean_signatory_email(self) -> str:
        email = super().clean_signatory_email()
        if email == self.present_email.lower():
            raise forms.ValidationError("C’est votre propre adresse : indiquez celle de la personne qui répondra.")
        return email


class PaperForm(DsfrForm, forms.ModelForm):
    """An annex signed on paper: its scan, who signed it, and when."""

    opinion = forms.ChoiceField(
        label="Avis coché sur la feuille",
        choices=Opinion.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Indiquez l’avis coché."},
    )
    signed_on = forms.DateField(
        label="Date de la signature",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": "Indiquez la date écrite à côté de la signature.", "invalid": "Date non reconnue."},
    )
    file = forms.FileField(
        label="Scan ou photo de toutes les pages",
        help_text=f"Formats acceptés : {FORMATS}.",
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPT}),
        error_messages={"required": "Choisissez le scan ou la photo.", "empty": "Ce fichier est vide."},
    )
    field_order = ("file", "signatory_name", "signatory_function", "signatory_institution", "signed_on", "opinion")

    class Meta:
        model = Annex
        fields = ("signatory_name", "signatory_function", "signatory_institution")

    def __init__(self, *args, has_scan: bool = False, **kwargs):
        super().__init__(*args, prefix="papier", **kwargs)
        for field in self.fields.values():
            field.required = True
        if has_scan:
            self.fields["file"].required = False
            self.fields["file"].is_optional = True
            self.fields["file"].label = "Un autre scan (celui qui a été reconnu suffit)"

    def clean_signed_on(self):
        day = self.cleaned_data["signed_on"]
        if day > timezone.localdate():
            raise forms.ValidationError("Cette date est à venir.")
        return day


class ScansForm(DsfrForm, forms.Form):
    show_convention = False
    file = forms.FileField(
        label="Scan ou photo d’une annexe signée",
        help_text=f"Le code imprimé en haut de l’annexe dit laquelle. Formats acceptés : {FORMATS}.",
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPT}),
        error_messages={"required": "Choisissez d’abord un fichier.", "empty": "Ce fichier est vide."},
    )


class CodeForm(DsfrForm, forms.Form):
    show_convention = False
    code = forms.CharField(
        label="Code reçu par courriel",
        help_text="Six chiffres, valables quinze minutes.",
        max_length=20,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code"}),
        error_messages={"required": "Saisissez le code reçu par courriel."},
    )
    certified = forms.BooleanField(
        label="Je signe cet avis en mon nom et en ma qualité, et je certifie qu’il est le mien.",
        error_messages={"required": "Cochez cette case pour signer."},
    )


class QuestionForm(DsfrForm, forms.Form):
    show_convention = False
    question = forms.CharField(
        label="Votre question à la personne candidate",
        help_text="Elle la reçoit par courriel ; sa réponse vous revient par courriel et s’affiche ici.",
        max_length=1500,
        widget=WholeTextarea(attrs={"rows": 3}),
        error_messages={"required": "Écrivez votre question."},
    )


class QuestionAnswerForm(DsfrForm, forms.Form):
    show_convention = False
    answer = forms.CharField(
        label="Votre réponse",
        max_length=3000,
        widget=WholeTextarea(attrs={"rows": 4}),
        error_messages={"required": "Écrivez votre réponse."},
    )


class OpinionForm(DsfrForm, forms.Form):
    """A signatory's opinion. The annex's own fields come beside it, in a SectionForm."""

    opinion = forms.ChoiceField(
        label="Votre avis",
        choices=Opinion.choices,
        widget=forms.RadioSelect,
        error_messages={"required": "Choisissez un avis."},
    )
    text = forms.CharField(
        label="Avis motivé",
        help_text="8 000 caractères au plus.",
        max_length=8000,
        widget=WholeTextarea(attrs={"rows": 7}),
        error_messages={"required": "Écrivez quelques lignes : un avis sans motif ne peut pas être lu."},
    )

    def __init__(self, *args, text_label: str = "", **kwargs):
        super().__init__(*args, **kwargs)
        if text_label:
            self.fields["text"].label = text_label


class DeclineForm(DsfrForm, forms.Form):
    show_convention = False
    reason = forms.CharField(
        label="Pourquoi ne pouvez-vous pas répondre ?",
        help_text="Ce motif est transmis à la personne candidate, pour qu’elle demande à quelqu’un d’autre.",
        max_length=1000,
        widget=WholeTextarea(attrs={"rows": 3}),
        error_messages={"required": "Indiquez un motif, même bref."},
    )


class FileForm(DsfrForm, forms.Form):
    show_convention = False
    certified = forms.BooleanField(
        label="Je certifie l’exactitude des informations de ce dossier et je le dépose.",
        error_messages={"required": "Cochez cette case pour déposer votre dossier."},
    )


class WithdrawForm(DsfrForm, forms.Form):
    reason = forms.CharField(label="Motif", required=False, max_length=1000, widget=WholeTextarea(attrs={"rows": 3}))


class ReviewForm(DsfrForm, forms.ModelForm):
    class Meta:
        model = Review
        fields = ["opinion", "reasons"]
        labels = {"opinion": "Votre avis", "reasons": "Motivation"}
        widgets = {"opinion": forms.RadioSelect, "reasons": WholeTextarea(attrs={"rows": 8})}
        error_messages = {
            "opinion": {"required": "Choisissez un avis."},
            "reasons": {"required": "Motivez votre avis : la commission le lit."},
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["opinion"].choices = Opinion.choices


class RecusalForm(DsfrForm, forms.ModelForm):
    show_convention = False

    class Meta:
        model = Recusal
        fields = ["reason"]
        labels = {"reason": "Motif du déport"}
        help_texts = {"reason": "Par exemple : lien familial, professionnel ou hiérarchique avec le candidat."}
        widgets = {"reason": WholeTextarea(attrs={"rows": 3})}
        error_messages = {"reason": {"required": "Indiquez un motif, même bref."}}
