"""The outbox: every mail is a row, written in the transaction of its event and sent by a worker."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone


class Mail(models.Model):
    """One mail to one person.

    payload: what the kind's builder needs to write the mail: identifiers, never a link's secret (allauth's mails, whose
        words are known at once, hold their short-lived code or link: emptied once sent or given up).
    thread: what the mail is about, so that a dossier can show its mails (its primary key); None for an account's.
    """

    class State(models.TextChoices):
        PENDING = "pending", "À envoyer"
        SENT = "sent", "Envoyé"
        FAILED = "failed", "Échec"
        DROPPED = "dropped", "Sans objet"

    uid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField("nature", max_length=60)
    recipient = models.EmailField("destinataire")
    payload = models.JSONField(default=dict)
    thread = models.UUIDField(null=True, editable=False)
    state = models.CharField("état", max_length=10, choices=State.choices, default=State.PENDING)
    subject = models.CharField("objet", max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField("essais", default=0)
    next_attempt_at = models.DateTimeField("prochain essai", default=timezone.now)
    last_error = models.TextField("dernière erreur", blank=True)
    created_at = models.DateTimeField("créé le", auto_now_add=True)
    sent_at = models.DateTimeField("envoyé le", null=True)

    class Meta:
        verbose_name = "courriel"
        verbose_name_plural = "courriels"
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], condition=models.Q(state="pending"), name="mail_due"),
            models.Index(fields=["id"], condition=models.Q(state="failed"), name="mail_failed"),
            models.Index(fields=["thread", "id"], condition=models.Q(thread__isnull=False), name="mail_thread"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} → {self.recipient}"

    @property
    def message_id(self) -> str:
        """The same at every try, so that a double delivery can be recognised by the receiving side."""
        return f"<{self.uid}@portail-sante-justice>"
