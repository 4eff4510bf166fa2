"""The body that examines complete dossiers: its members, their recusals and their opinions."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.utils import timezone

from dossiers.content import moment
from dossiers.models import Opinion, PrintedDocument
from offers.models import Offer
from portal.accounts.models import Institution


class Commission(models.Model):
    """A commission reads the complete dossiers of its offers."""

    name = models.CharField("nom", max_length=200)
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="commissions", verbose_name="institution")
    offers = models.ManyToManyField(Offer, related_name="commissions", blank=True, verbose_name="offres")

    class Meta:
        app_label = "applications"
        verbose_name = "commission"
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name


class CommissionMember(models.Model):
    """A seat: who sits on which commission, in what quality."""

    commission = models.ForeignKey(Commission, models.CASCADE, related_name="seats")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="seats", verbose_name="membre")
    quality = models.CharField("qualité", max_length=150, blank=True)

    class Meta:
        app_label = "applications"
        verbose_name = "membre"
        ordering = ["commission", "user"]
        constraints = [
            models.UniqueConstraint(
                fields=["commission", "user"],
                name="one_seat_per_member",
                violation_error_message="Cette personne siège déjà dans cette commission.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} – {self.commission}"


class SessionQuerySet(models.QuerySet):
    def managed_by(self, user):
        """The sessions of the commissions of this agent's institutions."""
        return self if user.is_superuser else self.filter(commission__institution__in=user.hr_institution_ids)

    def of_member(self, user):
        """The sessions of the commissions where this person sits."""
        return self.filter(commission__seats__user=user)


class Session(models.Model):
    """One dated meeting of a commission. place: a room, or the address of a video conference."""

    commission = models.ForeignKey(Commission, models.PROTECT, related_name="sessions", verbose_name="commission")
    starts_at = models.DateTimeField("date et heure")
    place = models.CharField(
        "lieu", max_length=300, blank=True, help_text="Une salle, ou le lien d’une visioconférence."
    )

    # Said afterwards, for the minutes
    chair = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="chaired_sessions",
        verbose_name="présidence",
        null=True,
        blank=True,
    )
    present = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="attended_sessions", verbose_name="membres présents", blank=True
    )

    objects = SessionQuerySet.as_manager()

    class Meta:
        app_label = "applications"
        verbose_name = "séance"
        ordering = ["-starts_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["commission", "starts_at"],
                name="one_session_at_a_time",
                violation_error_message="Cette commission a déjà une séance à cette date et à cette heure.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.commission}, séance du {moment(self.starts_at)}"


class CollectiveOpinion(models.TextChoices):
    """What the commission says of a dossier, all members together."""

    FAVORABLE = "favorable", "Favorable"
    RESERVED = "reserved", "Favorable avec réserves"
    UNFAVORABLE = "unfavorable", "Défavorable"
    ADJOURNED = "adjourned", "Examen reporté"


class AgendaItemQuerySet(models.QuerySet):
    def to_come(self):
        """On the agenda of a session that has not begun."""
        return self.filter(session__starts_at__gt=timezone.now())


class AgendaItem(models.Model):
    """A dossier on the agenda of a session. rapporteur: the member who reports on it, chosen among those who sit."""

    session = models.ForeignKey(Session, models.CASCADE, related_name="agenda")
    application = models.ForeignKey(
        "applications.Application", models.PROTECT, related_name="agenda_items", verbose_name="dossier"
    )
    rapporteur = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        related_name="reports",
        verbose_name="rapporteur",
        null=True,
        blank=True,
    )
    position = models.PositiveSmallIntegerField("ordre", default=1)
    opinion = models.CharField("avis de la commission", max_length=20, choices=CollectiveOpinion.choices, blank=True)
    reasons = models.TextField("motivation", max_length=8000, blank=True)

    objects = AgendaItemQuerySet.as_manager()

    class Meta:
        app_label = "applications"
        verbose_name = "dossier à l’ordre du jour"
        verbose_name_plural = "ordre du jour"
        ordering = ["session", "position", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "application"],
                name="once_on_the_agenda",
                violation_error_message="Ce dossier est déjà à l’ordre du jour.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.position}. Dossier {self.application.number}"

    @property
    def rapporteur_stands_aside(self) -> bool:
        """The rapporteur recused themselves once named. Prefetch the recusals of the applications."""
        return any(recusal.member_id == self.rapporteur_id for recusal in self.application.recusals.all())

    @property
    def rapporteur_named(self) -> str:
        """As every agenda and the minutes name them."""
        return f"{self.rapporteur or ''}{' (s’est déporté)' if self.rapporteur_stands_aside else ''}"


class Minutes(models.Model):
    """The record of a session, as it was established: an edition is never changed, a new one replaces it."""

    session = models.ForeignKey(Session, models.PROTECT, related_name="minutes")
    edition = models.PositiveSmallIntegerField("édition")
    content = models.JSONField()
    established_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    established_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "applications"
        verbose_name = "procès-verbal"
        verbose_name_plural = "procès-verbaux"
        ordering = ["-edition"]
        constraints = [models.UniqueConstraint(fields=["session", "edition"], name="one_edition_of_the_minutes")]
        triggers = [pgtrigger.Protect(name="minutes_are_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.session}, procès-verbal, édition {self.edition}"


class MinutesDocument(PrintedDocument):
    """The sealed PDF of one edition of the minutes."""

    minutes = models.OneToOneField(Minutes, models.PROTECT, related_name="document")

    class Meta:
        app_label = "applications"
        verbose_name = "procès-verbal (PDF)"
        ordering = ["-rendered_at"]
        triggers = [pgtrigger.Protect(name="minutes_pdf_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.sha256[:12]

    @property
    def folder(self) -> str:
        return f"seances/{self.minutes.session_id}"


class Review(models.Model):
    """A member's reasoned opinion on one dossier, as last written.

    withdrawn_at: when the member recused themselves, or filed a dossier to the same offer.
    """

    application = models.ForeignKey("applications.Application", models.PROTECT, related_name="reviews")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="reviews", verbose_name="membre")
    opinion = models.CharField("avis", max_length=20, choices=Opinion.choices)
    reasons = models.TextField("motivation", max_length=8000)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    withdrawn_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        app_label = "applications"
        verbose_name = "avis d’un membre"
        ordering = ["-updated_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["application", "member"], name="one_review_per_member")]

    def __str__(self) -> str:
        return f"{self.member} – {self.get_opinion_display()}"


class Recusal(models.Model):
    """A member who takes no part in one dossier, and no longer reads it."""

    application = models.ForeignKey("applications.Application", models.PROTECT, related_name="recusals")
    member = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="recusals", verbose_name="membre")
    reason = models.TextField("motif", max_length=2000)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "applications"
        verbose_name = "déport"
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["application", "member"], name="one_recusal_per_member")]

    def __str__(self) -> str:
        return f"{self.member} – {self.application_id}"
