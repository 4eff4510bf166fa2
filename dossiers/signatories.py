"""What passes between a signatory and the portal besides the opinion itself: links, codes, questions."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class FormerLink(models.Model):
    """A link that no longer serves: who still holds it is told why, and nothing of the dossier."""

    class Why(models.TextChoices):
        DELEGATED = "delegated", "Demande confiée à une autre personne"
        REPLACED = "replaced", "Autre signataire désigné"
        REVOKED = "revoked", "Demande retirée"

    annex = models.ForeignKey("dossiers.Annex", models.CASCADE, related_name="former_links")
    link_hash = models.CharField(max_length=64, unique=True)
    why = models.CharField(max_length=10, choices=Why.choices)
    holder = models.CharField("signataire d’alors", max_length=400)
    successor = models.CharField("personne désignée par le signataire", max_length=400, blank=True)
    ended_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "ancien lien"
        verbose_name_plural = "anciens liens"
        ordering = ["ended_at", "pk"]

    def __str__(self) -> str:
        return f"{self.holder} – {self.get_why_display()}"


class SigningCode(models.Model):
    """A one-time code sent at the moment of signing. The code itself is derived, as links are: only `nonce` is kept."""

    annex = models.ForeignKey("dossiers.Annex", models.CASCADE, related_name="codes")
    nonce = models.CharField(max_length=43)
    sent_at = models.DateTimeField(default=timezone.now)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = "code de signature"
        verbose_name_plural = "codes de signature"
        ordering = ["annex", "-sent_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.annex_id} – {self.sent_at}"


class Question(models.Model):
    """What a signatory asks of the candidate before answering, and the candidate's answer."""

    annex = models.ForeignKey("dossiers.Annex", models.CASCADE, related_name="questions")
    asked_by = models.CharField("signataire", max_length=150)
    email = models.EmailField()
    text = models.TextField("question")
    asked_at = models.DateTimeField(auto_now_add=True)
    answer = models.TextField("réponse", blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "question d’un signataire"
        verbose_name_plural = "questions des signataires"
        ordering = ["annex", "asked_at", "pk"]

    def __str__(self) -> str:
        return f"{self.asked_by} – {self.asked_at}"
