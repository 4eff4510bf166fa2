"""What is published: offers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from functools import cache, cached_property
from typing import Any

import pghistory
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import (
    SearchVector,
    SearchVectorField,
    TrigramWordSimilarity,
)
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils import timezone

from offers import kinds
from offers.data import departments, regions
from offers.text import field_html
from portal.accounts.models import Institution
from portal.workflow import TransitionLog

SEARCH_CONFIG = "portal_french"  # French stemming with accents ignored; made by a migration


def region_choices() -> list[tuple[str, str]]:
    return [(region.code, region.name) for region in regions()]


def department_choices() -> list[tuple[str, str]]:
    return [(department.code, f"{department.name} ({department.code})") for department in departments()]


class Plain(models.Func):
    """Lower case, without accents: how words are compared with what was meant. Its SQL is made by a migration."""

    function = "portal_plain"
    output_field = models.TextField()


class ConcatOp(models.Func):
    """`a || b`: unlike `concat()`, a generated column may use it."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = models.TextField()


class OfferQuerySet(models.QuerySet):
    def public(self, now: datetime | None = None):
        """What anyone may read at this instant: published offers, and suspended or closed ones for reference."""
        return self.filter(state__in=Offer.SHOWN, published_at__lte=now or timezone.now())

    def open(self, now: datetime | None = None):
        """What can be applied to at this instant. A deadline includes its whole last second."""
        now = now or timezone.now()
        in_time = models.Q(deadline__isnull=True) | models.Q(deadline__gte=now.replace(microsecond=0))
        return self.filter(in_time, state=Offer.State.PUBLISHED, published_at__lte=now)

    def awaited(self, now: datetime | None = None):
        """What will show itself at its second."""
        return self.filter(state=Offer.State.PUBLISHED, published_at__gt=now or timezone.now())

    def managed_by(self, user):
        """The offers of the institutions that this agent belongs to; all of them for an administrator."""
        return self if user.is_superuser else self.filter(institution__in=user.hr_institution_ids)

    def near(self, words: list[str]):
        """The offers that say something like each of these words: for those that are mistyped."""
        offers, rank = self, models.Value(0.0)
        for word in words:
            plain = Plain(models.Value(word, output_field=models.TextField()))
            offers = offers.filter(plain__trigram_word_similar=plain)
            rank = rank + TrigramWordSimilarity(plain, "plain")
        return offers.annotate(rank=rank)


@pghistory.track(
    pghistory.InsertEvent("created"),
    pghistory.UpdateEvent("changed", row=pghistory.Old),  # as it was before: what it became stands in what follows
    pghistory.DeleteEvent("deleted"),
    exclude=["search", "plain", "created_at", "updated_at"],
    append_only=True,
)
class Offer(models.Model):
    """One published call for candidates.

    details: the fields particular to its kind, as typed (`kind.offer_sections`).
    parameters: the campaign's own numbers, as typed (`kind.parameter_section`), over the kind's defaults.
    deadline: the last instant at which a dossier can be filed, or None for an offer without one.
    signatures_until: the last instant at which the annexes of a dossier filed in time can be signed, or None where all
    are signed before it is filed.
    published_at: from when on anyone sees it; ahead of now for a publication at a set time (docs/adr/0018).
    closed_at: since when it takes no more dossier, closed or suspended.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Brouillon"
        PUBLISHED = "published", "Publiée"
        PAUSED = "paused", "Suspendue"
        CLOSED = "closed", "Close"
        ARCHIVED = "archived", "Archivée"

    class Telework(models.TextChoices):
        NO = "non", "Non"
        PARTLY = "partiel", "Partiel"
        YES = "oui", "Oui"

    SHOWN = (State.PUBLISHED, State.PAUSED, State.CLOSED)

    kind = models.CharField("type d’offre", max_length=60)
    state = models.CharField("état", max_length=20, choices=State.choices, default=State.DRAFT)
    institution = models.ForeignKey(
        Institution, models.PROTECT, related_name="offers", verbose_name="organisme de rattachement"
    )
    reference = models.CharField("référence", max_length=40, unique=True)
    slug = models.SlugField("adresse de la page", max_length=120, unique=True)
    title = models.CharField("intitulé de l’offre", max_length=200)
    summary = models.TextField("résumé", max_length=600, help_text="Deux phrases, lues dans la liste des offres.")
    body = models.TextField("texte de l’offre", blank=True, help_text="Mise en forme Markdown ; le HTML est retiré.")
    specialty = models.CharField("spécialité", max_length=150, blank=True)
    region = models.CharField("région", max_length=3, choices=region_choices, blank=True)
    department = models.CharField("département", max_length=3, choices=department_choices, blank=True)
    location = models.CharField("lieu d’affectation", max_length=200, blank=True)
    contract = models.CharField("nature du contrat", max_length=100, blank=True)
    full_time = models.BooleanField("temps plein", null=True, blank=True)
    telework = models.CharField("télétravail possible", max_length=10, choices=Telework.choices, blank=True)
    published_at = models.DateTimeField("publiée le", null=True, editable=False)
    closed_at = models.DateTimeField("close le", null=True, editable=False)
    deadline = models.DateTimeField(
        "date limite de candidature",
        null=True,
        blank=True,
        help_text="Heure de Paris, à la seconde près. Vide : candidatures à tout moment.",
    )
    signatures_until = models.DateTimeField(
        "date limite des signatures",
        null=True,
        blank=True,
        help_text="Heure de Paris, après la date limite : un dossier déposé à temps peut encore recevoir, jusque-là, "
        "les avis demandés. Vide : tout est signé avant le dépôt.",
    )
    service_name = models.CharField("service chargé du dossier", max_length=200)
    service_address = models.TextField("adresse postale du service")
    service_email = models.EmailField("adresse électronique du service")
    service_phone = models.CharField("téléphone du service", max_length=25)
    legal_mentions = models.TextField(
        "mentions légales de l’accusé de réception", blank=True, help_text="CRPA, art. R. 112-11-1."
    )
    details = models.JSONField(default=dict, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    search = models.GeneratedField(
        expression=SearchVector("title", config=SEARCH_CONFIG, weight="A")
        + SearchVector("specialty", "location", config=SEARCH_CONFIG, weight="B")
        + SearchVector("summary", config=SEARCH_CONFIG, weight="C")
        + SearchVector("body", config=SEARCH_CONFIG, weight="D"),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    plain = models.GeneratedField(
        expression=Plain(ConcatOp("title", models.Value(" "), "specialty", models.Value(" "), "location")),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = OfferQuerySet.as_manager()

    class Meta:
        verbose_name = "offre"
        ordering = [models.F("deadline").asc(nulls_last=True), "title", "pk"]
        indexes = [
            GinIndex(fields=["search"], name="offer_search"),
            GinIndex(OpClass("plain", name="gin_trgm_ops"), name="offer_plain"),
            # The list in its usual order, and what its facets count, without reading the texts.
            models.Index(
                fields=["state", "deadline", "title", "id"],
                include=["kind", "region", "department", "institution", "contract", "telework", "published_at"],
                name="offer_list",
            ),
            models.Index(fields=["published_at"], name="offer_published_at"),
        ]
        constraints = [
            models.CheckConstraint(
                name="published_offer_has_date",
                condition=models.Q(state="draft") | models.Q(published_at__isnull=False),
                violation_error_message="Une offre publiée porte sa date de publication.",
            ),
            models.CheckConstraint(
                name="signatures_follow_deadline",
                condition=models.Q(signatures_until__isnull=True)
                | models.Q(deadline__isnull=False, signatures_until__gt=models.F("deadline")),
                violation_error_message="La date limite des signatures doit suivre la date limite de candidature.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return _page_address().replace("slug", self.slug)

    def clean(self) -> None:
        until = self.signatures_until
        if until and not (self.deadline and until > self.deadline):
            raise ValidationError({"signatures_until": "Elle doit suivre la date limite de candidature."})

    @property
    def region_name(self) -> str:
        """Empty without a region. Django's `get_region_display` goes through all the choices each time."""
        return _names(region_choices).get(self.region, "")

    @property
    def department_name(self) -> str:
        """With its number; empty without a département."""
        return _names(department_choices).get(self.department, "")

    @cached_property
    def kind_definition(self) -> kinds.OfferKind:
        return kinds.get_kind(self.kind)

    def is_open(self, now: datetime | None = None) -> bool:
        """Whether a dossier can be filed at this instant: to the second, the deadline's own second included.

        An offer closed since then was open all the same: what counts is when the request arrived (CRPA L112-13).
        """
        now = now or timezone.now()
        in_time = self.deadline is None or now.replace(microsecond=0) <= self.deadline
        begun = self.published_at is not None and self.published_at <= now
        return (
            begun
            and in_time
            and (self.state == self.State.PUBLISHED or (self.closed_at is not None and now < self.closed_at))
        )

    @property
    def is_public(self) -> bool:
        return self.state in self.SHOWN and self.published_at <= timezone.now()

    @property
    def is_scheduled(self) -> bool:
        """Published, but at a time still to come."""
        return self.state == self.State.PUBLISHED and self.published_at > timezone.now()

    @property
    def state_label(self) -> str:
        return "Programmée" if self.is_scheduled else self.get_state_display()

    @cached_property
    def days_left(self) -> int | None:
        """Whole Paris days between today and the deadline's day; None without a deadline."""
        if self.deadline is None:
            return None
        return (timezone.localdate(self.deadline) - timezone.localdate()).days

    @cached_property
    def presentation(self) -> list[dict[str, Any]]:
        """The kind's own fields, printable, by section; empty answers left out. Long texts are Markdown."""
        sections = self.kind_definition.presentation(self.details, self.parameters)
        for section in sections:
            if section["key"] != self.kind_definition.parameter_section.key:  # those are lists, one item a line
                for entry in section["entries"]:
                    if entry["type"] == "long":
                        entry["html"] = field_html(entry["display"])
        return sections


@cache
def _names(choices: Callable[[], list[tuple[str, str]]]) -> dict[str, str]:
    return dict(choices())


@cache
def _page_address() -> str:
    """Of any offer: lists say twenty of them."""
    return reverse("offers:detail", args=["slug"])


class OfferTransition(TransitionLog):
    subject = models.ForeignKey(Offer, models.RESTRICT, related_name="transitions")

    class Meta(TransitionLog.Meta):
        verbose_name = "mouvement d’une offre"


def _secret() -> str:
    return secrets.token_urlsafe(24)


class AlertQuerySet(models.QuerySet):
    def at(self, stage: str):
        """The alerts that have come to this stage (`Alert.Stage`)."""
        if stage == Alert.Stage.UNCONFIRMED:
            return self.filter(confirmed_at=None)
        is_over = models.Q(ends_at__lte=timezone.now())
        return self.filter(is_over if stage == Alert.Stage.ENDED else ~is_over, confirmed_at__isnull=False)


class Alert(models.Model):
    """A search that an address follows, without an account. Nothing is sent before its owner has confirmed it.

    query: the search as in an address (`Criteria.query`). secret: who holds it may change or end the alert.
    checked_at: the offers published until then have been told.
    """

    class Frequency(models.TextChoices):
        DAILY = "daily", "Chaque jour où il y a du nouveau"
        WEEKLY = "weekly", "Une fois par semaine, le lundi"

    class Stage(models.TextChoices):
        UNCONFIRMED = "unconfirmed", "À confirmer"
        ACTIVE = "active", "Active"
        ENDED = "ended", "Arrivée à sa fin"

    email = models.EmailField("adresse électronique")
    query = models.TextField("recherche", blank=True)
    frequency = models.CharField("fréquence", max_length=10, choices=Frequency.choices, default=Frequency.DAILY)
    secret = models.CharField(max_length=40, unique=True, default=_secret, editable=False)
    created_at = models.DateTimeField("demandée le", auto_now_add=True)
    asked_at = models.DateTimeField("confirmation demandée le", default=timezone.now)
    confirmed_at = models.DateTimeField("confirmée le", null=True)
    checked_at = models.DateTimeField("offres annoncées jusqu’au", null=True)
    ends_at = models.DateTimeField("prend fin le", null=True)

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = "alerte"
        constraints = [models.UniqueConstraint(fields=["email", "query"], name="one_alert_per_search")]
        indexes = [
            models.Index(fields=["checked_at"], name="alert_due", condition=models.Q(confirmed_at__isnull=False))
        ]

    def __str__(self) -> str:
        """Kept by the journal of the administration when it is erased: nothing of its owner."""
        return f"Alerte n° {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("alerts:manage", args=[self.secret])

    @property
    def stage(self) -> Stage:
        if self.confirmed_at is None:
            return self.Stage.UNCONFIRMED
        return self.Stage.ENDED if self.ends_at and self.ends_at <= timezone.now() else self.Stage.ACTIVE


def is_favourite(user, offer: Offer) -> bool:
    return user.is_authenticated and Favourite.objects.filter(user=user, offer=offer).exists()


class Favourite(models.Model):
    """An offer that someone keeps at hand."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="favourites")
    offer = models.ForeignKey(Offer, models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "favori"
        ordering = ["-created_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["user", "offer"], name="favourite_once")]

    def __str__(self) -> str:
        return f"{self.user} : {self.offer}"
