"""Who applies to what, and what becomes of it."""

from __future__ import annotations

import uuid

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse

from applications.commission.models import (
    AgendaItem,
    Commission,
    CommissionMember,
    Minutes,
    MinutesDocument,
    Recusal,
    Review,
    Session,
)
from applications.reminders.models import Reminder, ReminderRule
from dossiers.models import Dossier
from offers.models import Offer
from portal.notifications.models import Mail
from portal.workflow import TransitionLog

__all__ = [
    "AgendaItem",
    "Application",
    "ApplicationTransition",
    "Commission",
    "CommissionMember",
    "Decision",
    "Digest",
    "ErasedCount",
    "MailText",
    "Minutes",
    "MinutesDocument",
    "Receipt",
    "Recusal",
    "Reminder",
    "ReminderRule",
    "Review",
    "Session",
]


class ApplicationQuerySet(models.QuerySet):
    def of_candidate(self, user):
        return self.filter(candidate=user)

    def in_hand(self):
        """Those that stand for a candidacy, the one in preparation before the filed one that it would replace."""
        return self.exclude(state__in=Application.OVER).order_by("-created_at", "pk")

    def rivals(self):
        """Those that keep their candidate from judging the others to the same offer: in hand, or filed at any time."""
        return self.filter(~Q(state__in=Application.OVER) | Q(filed_at__isnull=False))

    def sought_by(self, user):
        """The offers where this person judges nobody, as a subquery."""
        return self.of_candidate(user).rivals().values("offer")

    def managed_by(self, user):
        """The filed applications to the offers of this agent's institutions; drafts are shown without their content."""
        return self if user.is_superuser else self.filter(offer__institution__in=user.hr_institution_ids)

    def readable_by_member(self, user):
        """The dossiers of this member's commissions, save those they recused from and those of their rivals."""
        sought = Application.objects.sought_by(user)
        return (
            self.filter(
                state__in=Application.EXAMINED,
                offer__commissions__seats__user=user,
            )
            .exclude(offer__in=sought)
            .exclude(recusals__member=user)
            .distinct()
        )


class Application(models.Model):
    """One candidate's candidacy to one offer. Its states move in `applications.lifecycle` alone.

    replaces: the filed application that this one takes the place of once it is filed (`applications.reopening`).
    erasure_announced_at: when the candidate was told that this abandoned draft goes (`applications.abandonment`).
    """

    class State(models.TextChoices):
        DRAFT = "draft", "En préparation"
        FILED = "filed", "Déposée"
        ADMISSIBLE = "admissible", "Recevable"
        INADMISSIBLE = "inadmissible", "Irrecevable"
        ACCEPTED = "accepted", "Retenue"
        REJECTED = "rejected", "Non retenue"
        WITHDRAWN = "withdrawn", "Retirée"
        SUPERSEDED = "superseded", "Remplacée"

    # Those that no longer stand for a candidacy.
    OVER = frozenset({State.WITHDRAWN, State.SUPERSEDED})
    # Filed, and nobody has ruled that the dossier goes to a commission: it may be replaced.
    REPLACEABLE = frozenset({State.FILED, State.INADMISSIBLE})

    # What a commission may read: HR has checked that the dossier is complete.
    EXAMINED = frozenset({State.ADMISSIBLE, State.ACCEPTED, State.REJECTED})

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    offer = models.ForeignKey(Offer, models.PROTECT, related_name="applications", verbose_name="offre")
    candidate = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="applications", verbose_name="candidat"
    )
    dossier = models.OneToOneField(Dossier, models.PROTECT, related_name="application")
    state = models.CharField("état", max_length=20, choices=State.choices, default=State.DRAFT)
    replaces = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="replaced_by",
        verbose_name="remplace",
    )
    number = models.CharField("numéro", max_length=20, unique=True, null=True, editable=False)  # noqa: DJ001 (unique, and absent until filed)
    created_at = models.DateTimeField("commencée le", auto_now_add=True)
    filed_at = models.DateTimeField("déposée le", null=True, editable=False)
    erasure_announced_at = models.DateTimeField(null=True, editable=False)

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = "candidature"
        ordering = ["-created_at", "pk"]
        indexes = [
            models.Index(fields=["offer", "id"], condition=models.Q(state="draft"), name="draft_of_offer"),
            models.Index(fields=["offer", "filed_at"], condition=models.Q(state="filed"), name="filed_of_offer"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["offer", "candidate"],
                condition=~models.Q(state__in=["withdrawn", "superseded"]) & models.Q(replaces__isnull=True),
                name="one_application_per_offer",
                violation_error_message="Vous avez déjà une candidature pour cette offre.",
            ),
            models.UniqueConstraint(
                fields=["replaces"],
                condition=~models.Q(state="withdrawn"),
                name="one_replacement_at_a_time",
                violation_error_message="Ce dossier est déjà rouvert.",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["draft", "withdrawn"])
                | models.Q(filed_at__isnull=False, number__isnull=False),
                name="filed_application_is_dated",
                violation_error_message="Une candidature déposée porte sa date et son numéro.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.candidate} – {self.offer}"

    def get_absolute_url(self) -> str:
        return reverse("applications:detail", args=[self.pk])

    @property
    def is_draft(self) -> bool:
        return self.state == self.State.DRAFT

    @property
    def was_filed(self) -> bool:
        return self.filed_at is not None


class ApplicationTransition(TransitionLog):
    subject = models.ForeignKey(Application, models.RESTRICT, related_name="transitions")

    class Meta(TransitionLog.Meta):
        verbose_name = "mouvement d’une candidature"


class Receipt(models.Model):
    """The electronic receipt of a filing (CRPA L112-11, R112-11-1), with its words as they were sent."""

    application = models.OneToOneField(Application, models.PROTECT, related_name="receipt")
    number = models.CharField(max_length=20, unique=True)
    received_at = models.DateTimeField()
    content = models.JSONField()

    class Meta:
        verbose_name = "accusé de réception"
        verbose_name_plural = "accusés de réception"
        ordering = ["-received_at"]
        triggers = [pgtrigger.Protect(name="receipt_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.number


class Decision(models.Model):
    """What was decided on a dossier, by whom and why, with the words of its letter as they were settled."""

    application = models.OneToOneField(Application, models.PROTECT, related_name="decision")
    content = models.JSONField()
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "décision"
        ordering = ["-decided_at"]
        triggers = [pgtrigger.Protect(name="decision_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.application_id} – {self.decided_at:%Y-%m-%d}"


class ErasedCount(models.Model):
    """How many candidacies to an offer were erased, by the state that they ended in: nothing of anyone."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="erased", verbose_name="offre")
    ended = models.CharField("dernier état", max_length=20, choices=Application.State.choices)
    filed = models.BooleanField("déposée")
    number = models.PositiveIntegerField("nombre", default=0)

    class Meta:
        verbose_name = "candidatures effacées"
        verbose_name_plural = "candidatures effacées"
        ordering = ["offer", "ended", "filed"]
        constraints = [models.UniqueConstraint(fields=["offer", "ended", "filed"], name="erased_counted_once")]

    def __str__(self) -> str:
        return f"{self.offer} – {self.get_ended_display()} : {self.number}"


class MailText(models.Model):
    """The words that an offer's service gives to one of its mails, over the portal's own (`applications.wording`)."""

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="mail_texts")
    template = models.CharField("message", max_length=60)
    subject = models.CharField("objet", max_length=200, blank=True)
    intro = models.TextField("introduction", max_length=3000, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "texte d’un courriel"
        verbose_name_plural = "textes des courriels"
        ordering = ["offer", "template"]
        constraints = [models.UniqueConstraint(fields=["offer", "template"], name="one_text_per_mail_of_an_offer")]

    def __str__(self) -> str:
        return f"{self.template} – {self.offer}"


class Digest(models.Model):
    """What gathers several mails into one: a week's digest, a signatory's reminder of a day. Once each.

    week: the Monday of the week, in Paris; for a reminder, the day itself.
    """

    kind = models.CharField(max_length=60)
    recipient = models.EmailField()
    week = models.DateField()
    mail = models.OneToOneField(Mail, models.SET_NULL, null=True, related_name="+")
    queued_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "récapitulatif de la semaine"
        ordering = ["-week", "recipient"]
        constraints = [models.UniqueConstraint(fields=["kind", "recipient", "week"], name="one_digest_a_week")]

    def __str__(self) -> str:
        return f"{self.kind} – {self.recipient} – {self.week}"
