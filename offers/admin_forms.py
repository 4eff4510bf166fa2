"""The forms of offers in the admin: the columns of every offer, and the fields of its kind."""

from __future__ import annotations

from functools import lru_cache

from django import forms
from django.utils import timezone

from offers.kinds import OfferKind, get_kind
from offers.models import Offer

DETAIL, PARAMETER = "detail_", "parameter_"


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
        if "deadline" in self.fields:
            name_parts(self.fields["deadline"])
        if not self.instance.legal_mentions and "legal_mentions" in self.fields:
            self.initial["legal_mentions"] = self.kind.legal_mentions

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
    return type("KindOfferForm", (OfferForm,), {"kind": kind, "__module__": __name__, **fields})


class MoveForm(forms.Form):
    """Why a move is made."""

    reason = forms.CharField(label="Motif", widget=forms.Textarea(attrs={"rows": 3, "cols": 80}), required=False)


class ExtendForm(MoveForm):
    deadline = forms.SplitDateTimeField(
        label="Nouvelle date limite (heure de Paris)",
        initial=lambda: timezone.localtime().replace(hour=23, minute=59, second=59, microsecond=0),
        widget=forms.SplitDateTimeWidget(date_attrs={"type": "date"}, time_attrs={"type": "time", "step": 1}),
    )
    field_order = ["deadline", "reason"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        name_parts(self.fields["deadline"])


def name_parts(field: forms.SplitDateTimeField) -> None:
    """Say which is which to those who do not see that one input follows the other."""
    for widget, part in zip(field.widget.widgets, ("date", "heure"), strict=True):
        widget.attrs["aria-label"] = f"{field.label} : {part}"
