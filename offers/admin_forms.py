"""The forms of offers in the admin: the columns of every offer, and the fields of its kind."""

from __future__ import annotations

from calendar import monthrange
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import count

from django import forms
from django.utils import timezone
from django.utils.text import slugify

from offers import csp_text
from offers.campaigns import next_campaign
from offers.kinds import OfferKind, get_kind
from offers.models import Offer
from offers.sheets import draft
from portal.accounts.models import Institution
from portal.workflow import Transition

DETAIL, PARAMETER = "detail_", "parameter_"
TO_BEGIN_WITH = {"institution", "title", "reference", "slug"}  # the rest of a draft is due at publication
EXTENSION = timedelta(days=14)
MARKDOWN = "Mise en forme Markdown : **gras**, - liste, ## titre ; l’aperçu la montre."


class OfferForm(forms.ModelForm):
    """An offer. The kind's own fields are added by `form_for`; they are stored as typed, right or wrong ones apart.

    A draft may stay incomplete: what is missing is told at publication. What is wrong is told at once.
    """

    kind: OfferKind

    class Meta:
        model = Offer
        fields = [
            "institution",
            "title",
            "reference",
            "slug",
            "summary",
            "body",
            "specialty",
            "region",
            "department",
            "location",
            "contract",
            "full_time",
            "telework",
            "deadline",
            "signatures_until",
            "service_name",
            "service_address",
            "service_email",
            "service_phone",
            "legal_mentions",
        ]
        widgets = {"summary": forms.Textarea(attrs={"rows": 3}), "body": forms.Textarea(attrs={"rows": 24})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        stored = {DETAIL: self.instance.details, PARAMETER: self.kind.default_parameters | self.instance.parameters}
        for prefix, _, spec in own_fields(self.kind):
            name = prefix + spec.name
            if name in self.fields:
                self.initial.setdefault(name, stored[prefix].get(spec.name))
                # What candidates were told stays: a campaign's numbers are settled when it is published.
                self.fields[name].disabled = prefix == PARAMETER and self.instance.state != Offer.State.DRAFT
        for name in {"deadline", "signatures_until"} & self.fields.keys():
            name_parts(self.fields[name])
        if not self.instance.legal_mentions and "legal_mentions" in self.fields:
            self.initial["legal_mentions"] = self.kind.legal_mentions
        if "full_time" in self.fields:
            self.fields["full_time"].widget.choices = [("unknown", "Non précisé"), ("true", "Oui"), ("false", "Non")]
        if self.instance.state == Offer.State.DRAFT:
            for name in self.fields.keys() - TO_BEGIN_WITH:
                self.fields[name].required = False

    def clean(self):
        cleaned = super().clean()
        raw: dict[str, dict] = {DETAIL: {}, PARAMETER: {}}
        for prefix, _, spec in own_fields(self.kind):
            field = self.fields.get(prefix + spec.name)
            if field and not field.disabled:
                raw[prefix][spec.name] = field.widget.value_from_datadict(
                    self.data, self.files, self.add_prefix(prefix + spec.name)
                )
        for prefix, section, _ in own_sections(self.kind):
            for problem in section.clean(raw[prefix]).problems if raw[prefix] else ():
                name = prefix + problem.field
                if problem.blocking and not problem.missing and name not in self.errors:
                    self.add_error(name if name in self.fields else None, problem.message)
        self.instance.details = self.instance.details | raw[DETAIL]
        self.instance.parameters = self.instance.parameters | raw[PARAMETER]
        return cleaned


def own_sections(kind: OfferKind):
    """The kind's sections: (prefix of its form fields, section, title)."""
    yield from ((DETAIL, section, section.title) for section in kind.offer_sections)
    yield PARAMETER, kind.parameter_section, kind.parameter_section.title


def own_fields(kind: OfferKind):
    """The kind's fields: (prefix, section, field spec)."""
    for prefix, section, _ in own_sections(kind):
        for spec in section.fields:
            yield prefix, section, spec


@lru_cache
def form_for(slug: str) -> type[OfferForm]:
    """The form class of this kind's offers."""
    kind = get_kind(slug)
    fields = {prefix + spec.name: spec.make_form_field() for prefix, _, spec in own_fields(kind)}
    for prefix, _, spec in own_fields(kind):
        if prefix == DETAIL and spec.type == "long":
            fields[prefix + spec.name].help_text = f"{spec.help_text} {MARKDOWN}".strip()
    return type("KindOfferForm", (OfferForm,), {"kind": kind, "__module__": __name__, **fields})


class MoveForm(forms.Form):
    """Why a move is made."""

    reason = forms.CharField(label="Motif", widget=forms.Textarea(attrs={"rows": 3, "cols": 80}), required=False)


def moment_field(label: str, **options) -> forms.SplitDateTimeField:
    """A day and an hour, to the second, with the browser's own pickers."""
    widget = forms.SplitDateTimeWidget(
        date_format="%Y-%m-%d", date_attrs={"type": "date"}, time_attrs={"type": "time", "step": 1}
    )
    return forms.SplitDateTimeField(label=f"{label} (heure de Paris)", widget=widget, **options)


class DeadlineForm(MoveForm):
    """Another deadline, and why."""

    deadline = moment_field("Nouvelle date limite")
    field_order = ["deadline", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        name_parts(self.fields["deadline"])


class ScheduleForm(MoveForm):
    """When the offer shows itself."""

    publish_at = moment_field(
        "Publier le",
        initial=lambda: (timezone.localtime() + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0),
    )
    field_order = ["publish_at", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        name_parts(self.fields["publish_at"])


# What a move asks for besides its reason.
MOVE_FORMS = {"extend": DeadlineForm, "advance": DeadlineForm, "schedule": ScheduleForm}


def move_form(move: Transition, *args, **kwargs) -> MoveForm:
    form = MOVE_FORMS.get(move.name, MoveForm)(*args, **kwargs)
    form.fields["reason"].required = move.reason_required
    return form


def proposed(move: Transition, offer: Offer) -> dict[str, datetime]:
    """What the form of this move begins with: an extension is of two weeks, to the same hour."""
    if move.name != "extend" or offer.deadline is None:
        return {}
    deadline, today = timezone.localtime(offer.deadline), timezone.localdate()
    return {"deadline": max(deadline, deadline.replace(year=today.year, month=today.month, day=today.day)) + EXTENSION}


class CampaignForm(forms.Form):
    """What a new campaign needs of its own."""

    reference = forms.CharField(label="Référence de la nouvelle offre", max_length=40)
    deadline = moment_field("Nouvelle date limite", required=False, help_text="Vide : candidatures à tout moment.")

    def __init__(self, offer: Offer, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.offer = offer
        name_parts(self.fields["deadline"])
        if offer.deadline:
            self.fields["deadline"].required = True
            self.fields["deadline"].help_text = ""
            self.initial["deadline"] = _same_day_to_come(offer.deadline)

    def clean_reference(self) -> str:
        reference = self.cleaned_data["reference"]
        if Offer.objects.filter(reference=reference).exists():
            raise forms.ValidationError("Une autre offre porte déjà cette référence.")
        return reference

    def clean_deadline(self) -> datetime | None:
        deadline = self.cleaned_data["deadline"]
        if deadline and deadline <= timezone.now():
            raise forms.ValidationError("Cette date est passée : choisissez une date à venir.")
        return deadline

    def save(self) -> Offer:
        slug = free_slug(f"{self.offer.title}-{self.cleaned_data['reference']}")
        return next_campaign(self.offer, slug=slug, **self.cleaned_data)


class ImportForm(forms.Form):
    """A page of Choisir le service public, pasted or sent as a text file."""

    institution = forms.ModelChoiceField(label="Organisme", queryset=Institution.objects.none())
    text = forms.CharField(
        label="Texte de la page", required=False, widget=forms.Textarea(attrs={"rows": 20, "cols": 100})
    )
    file = forms.FileField(label="Ou fichier texte", required=False, widget=forms.FileInput(attrs={"accept": ".txt"}))

    def __init__(self, user, *args, **kwargs):
        super().__init__(*args, **kwargs)
        institutions = Institution.objects.all()
        if not user.is_superuser:
            institutions = institutions.filter(pk__in=user.hr_institution_ids)
        self.fields["institution"].queryset = institutions

    def clean(self):
        cleaned = super().clean()
        file, text = cleaned.get("file"), cleaned.get("text", "")
        if file and file.size <= 4 * csp_text.MOST_CHARACTERS:
            text = csp_text.decode(file.read())
        if len(text) > csp_text.MOST_CHARACTERS or (file and file.size > 4 * csp_text.MOST_CHARACTERS):
            raise forms.ValidationError("Ce texte est trop long pour être celui d’une offre.")
        self.found = csp_text.read(text)
        columns = self.found.columns
        if not columns.get("title") or not columns.get("reference"):
            raise forms.ValidationError(
                "Ce texte n’est pas celui d’une offre : l’intitulé long et la référence n’y sont pas, "
                "chacun sur sa ligne sous son titre."
            )
        if Offer.objects.filter(reference=columns["reference"]).exists():
            raise forms.ValidationError(f"Une offre porte déjà la référence {columns['reference']}.")
        return cleaned

    def save(self) -> Offer:
        """The draft; the service in charge is the institution until HR says otherwise."""
        found = self.found
        offer = draft(found.kind, self.cleaned_data["institution"])
        for name, value in found.columns.items():
            if name != "institution_name":
                setattr(offer, name, value)
        offer.details = found.details
        offer.slug = free_slug(f"{offer.title}-{offer.reference}")
        offer.save()
        return offer


def _same_day_to_come(deadline: datetime) -> datetime:
    """The same day and hour in Paris, of the first year after it when that is still to come."""
    before = timezone.localtime(deadline).replace(tzinfo=None)
    years = count(max(before.year + 1, timezone.localdate().year))
    days = ((year, min(before.day, monthrange(year, before.month)[1])) for year in years)  # 29 February
    dates = (timezone.make_aware(before.replace(year=year, day=day)) for year, day in days)
    return next(after for after in dates if after > timezone.now())


def free_slug(text: str) -> str:
    """An address that no offer has."""
    stem = slugify(text)[:110].strip("-") or "offre"
    taken = set(Offer.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    return next(slug for slug in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if slug not in taken)


def name_parts(field: forms.SplitDateTimeField) -> None:
    """Say which is which to those who do not see that one input follows the other."""
    for widget, part in zip(field.widget.widgets, ("date", "heure"), strict=True):
        widget.attrs["aria-label"] = f"{field.label} : {part}"
