"""The filters of the public list."""

from __future__ import annotations

from django import forms

from offers.kinds import all_kinds
from offers.models import Offer, OfferQuerySet, region_choices
from portal.forms import Button, DsfrForm


class OfferFilters(DsfrForm, forms.Form):
    """What a visitor may choose. A value that makes no sense is ignored: the list is shown all the same."""

    show_convention = False
    buttons = (Button("Rechercher", icon="fr-icon-search-line"),)

    q = forms.CharField(label="Mots recherchés", max_length=200, required=False)
    type = forms.ChoiceField(label="Type d’offre", required=False)
    region = forms.ChoiceField(label="Région", required=False)
    closes = forms.BooleanField(label="Afficher aussi les offres closes", required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["type"].choices = [("", "Tous les types"), *((kind.slug, kind.label) for kind in all_kinds())]
        self.fields["region"].choices = [("", "Toutes les régions"), *region_choices()]
        for field in self.fields.values():
            field.is_optional = False

    def apply(self) -> OfferQuerySet:
        self.is_valid()
        chosen = self.cleaned_data
        offers = Offer.objects.public() if chosen.get("closes") else Offer.objects.open()
        if kind := chosen.get("type"):
            offers = offers.filter(kind=kind)
        if region := chosen.get("region"):
            offers = offers.filter(region=region)
        if words := chosen.get("q", "").replace("\x00", "").strip():
            offers = offers.search(words)
        return offers
