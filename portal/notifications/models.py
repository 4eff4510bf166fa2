"""The outbox: every mail is a row, written in the transaction of its event and sent by a worker."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Lower, Upper
from django.utils import timezone


class SplitPart(models.Func):
    function = "split_part"
    output_field = models.CharField(max_length=254)


class Priority(models.IntegerChoices):
    """What leaves first when much is waiting."""

    NOW = 1, "Attendu"  # somebody waits for it: a code, a receipt, a link
    NORMAL = 5, "Courant"
    LATER = 9, "Rappel"


class Mail(models.Model):
    """One mail to one person.

    uid: what nobody can guess of its Message-ID.
    payload: what the kind's builder needs to write the mail: identifiers, never a link's secret (allauth's mails, whose
        words are known at once, hold their short-lived code or link: emptied once sent or given up).
    thread: what the mail is about, so that a dossier can show its mails (its primary key); None for an account's.
    quiet_until: before this instant it keeps quiet hours (portal.calendar); None: it leaves whatever the hour.
    tried_at: when a worker last took it, which is what the limit per domain counts.
    """

    class State(models.TextChoices):
        PENDING = "pending", "À envoyer"
        SENT = "sent", "Envoyé"
        BOUNCED = "bounced", "Adresse refusée"
        FAILED = "failed", "Échec"
        DROPPED = "dropped", "Sans objet"

    UNDELIVERED = frozenset({State.BOUNCED, State.FAILED})

    uid = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField("nature", max_length=60)
    recipient = models.EmailField("destinataire")
    domain = models.GeneratedField(
        expression=SplitPart(Lower("recipient"), models.Value("@"), models.Value(2)),
        output_field=models.CharField("domaine", max_length=254),
        db_persist=True,
    )
    priority = models.PositiveSmallIntegerField("priorité", choices=Priority.choices, default=Priority.NORMAL)
    payload = models.JSONField(default=dict)
    thread = models.UUIDField(null=True, editable=False)
    state = models.CharField("état", max_length=10, choices=State.choices, default=State.PENDING)
    subject = models.CharField("objet", max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField("essais", default=0)
    next_attempt_at = models.DateTimeField("prochain essai", default=timezone.now)
    quiet_until = models.DateTimeField(null=True, editable=False)
    tried_at = models.DateTimeField("dernier essai", null=True, editable=False)
    last_error = models.TextField("dernière erreur", blank=True)
    created_at = models.DateTimeField("créé le", auto_now_add=True)
    sent_at = models.DateTimeField("envoyé le", null=True)

    class Meta:
        verbose_name = "courriel"
        verbose_name_plural = "courriels"
        ordering = ["-created_at", "-pk"]
        indexes = [
            # Whether a person was written to lately, whatever the case of the address.
            models.Index(Upper("recipient"), "sent_at", condition=models.Q(state="sent"), name="mail_sent_to"),
            models.Index(
                fields=["priority", "next_attempt_at", "id"],
                include=["domain", "quiet_until"],
                condition=models.Q(state="pending"),
                name="mail_due",
            ),
            models.Index(
                fields=["state", "id"], condition=models.Q(state__in=["bounced", "failed"]), name="mail_undelivered"
            ),
            models.Index(
                fields=["tried_at"],
                include=["domain"],
                condition=models.Q(tried_at__isnull=False),
                name="mail_tried",
            ),
            models.Index(fields=["thread", "id"], condition=models.Q(thread__isnull=False), name="mail_thread"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} → {self.recipient}"

    @property
    def name(self) -> str:
        """How its Message-ID and its return address call it: what comes back says which mail it was."""
        return f"{self.pk}.{self.uid}"

    @property
    def message_id(self) -> str:
        """The same at every try, so that a double delivery can be recognised by the receiving side."""
        return f"<{self.name}@portail-sante-justice>"

    @property
    def can_be_retried(self) -> bool:
        """Given up or refused, with what to write it from."""
        return self.state in self.UNDELIVERED and bool(self.payload)


class Category(models.TextChoices):
    """What a person may refuse to get."""

    REMINDERS = "reminders", "Rappels avant une date limite"
    NEWS = "news", "Nouvelles d’un dossier (avis signé, dossier déposé)"
    DIGEST = "digest", "Récapitulatif de la semaine"


class Refusal(models.Model):
    """This address no longer wants this category of mails. `address`: in lower case."""

    address = models.EmailField("adresse")
    category = models.CharField("nature", max_length=20, choices=Category.choices)
    at = models.DateTimeField("depuis le", auto_now_add=True)

    class Meta:
        verbose_name = "refus de messages"
        verbose_name_plural = "refus de messages"
        ordering = ["address", "category"]
        constraints = [models.UniqueConstraint(fields=["address", "category"], name="one_refusal_per_category")]

    def __str__(self) -> str:
        return f"{self.address} – {self.get_category_display()}"
