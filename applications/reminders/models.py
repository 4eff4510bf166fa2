"""Who is reminded of what, and when, for each offer; and what was queued already."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from offers.models import Offer


class Audience(models.TextChoices):
    """Who, and what they have not done yet."""

    CANDIDATE = "candidate", "Candidat : dossier pas encore déposé"
    UNOPENED = "unopened", "Signataire : demande pas encore ouverte"
    UNSIGNED = "unsigned", "Signataire : demande ouverte, avis pas encore signé"
    SERVICE = "service", "Service : dossiers déposés à vérifier"
    RAPPORTEUR = "rapporteur", "Rapporteur : avis pas encore donné avant la séance"
    MEMBER = "member", "Membre de la commission : séance à venir"


class ReminderRule(models.Model):
    """When one audience of one offer is reminded. Every offer has one for each audience (reminders.rules).

    days_before: Paris days before the deadline (before the session for a commission).
    every_days, at_most: without such a date, or without `days_before`: every so many days, so many times.
    """

    offer = models.ForeignKey(Offer, models.CASCADE, related_name="reminder_rules")
    audience = models.CharField("à qui", max_length=20, choices=Audience.choices)
    days_before = ArrayField(
        models.PositiveSmallIntegerField(validators=[MaxValueValidator(365)]),
        verbose_name="jours avant l’échéance",
        default=list,
        blank=True,
        help_text="Par exemple : 14, 7, 3, 1. L’échéance est la date limite, ou la séance de la commission.",
    )
    every_days = models.PositiveSmallIntegerField(
        "sinon, tous les… jours",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text="Sans échéance, ou si « jours avant » est vide : depuis la dernière activité.",
    )
    at_most = models.PositiveSmallIntegerField(
        "au plus… fois", default=3, validators=[MinValueValidator(1), MaxValueValidator(20)]
    )
    active = models.BooleanField("actif", default=True)

    class Meta:
        app_label = "applications"
        verbose_name = "règle de rappel"
        verbose_name_plural = "règles de rappel"
        ordering = ["offer", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["offer", "audience"],
                name="one_rule_for_each_audience",
                violation_error_message="Cette offre a déjà une règle pour ce public.",
            ),
            models.CheckConstraint(
                condition=models.Q(every_days__isnull=True) | models.Q(every_days__gte=1),
                name="rule_recurs",
                violation_error_message="Un rythme compte au moins un jour.",
            ),
        ]

    def __str__(self) -> str:
        return self.get_audience_display()


class Reminder(models.Model):
    """A reminder that was queued: one per rule, target and step, whatever runs twice.

    target: whom or what it is about ("application:…", "annex:…", "offer:…", "report:…", "session:…").
    step: the Paris day on which it fell due. Another deadline makes other days, hence reminders of its own.
    application: so that it goes with it; None where it is about several.
    No foreign key is checked row by row, which would cost more than writing the rows: rules go with their offer alone,
    and the planner locks the drafts of a batch (reminders.claiming).
    """

    rule = models.ForeignKey(
        ReminderRule, models.CASCADE, related_name="reminders", db_index=False, db_constraint=False
    )
    target = models.CharField(max_length=90)
    step = models.DateField()
    application = models.ForeignKey(
        "applications.Application",
        models.CASCADE,
        null=True,
        related_name="reminders",
        db_index=False,
        db_constraint=False,
    )
    queued_at = models.DateTimeField()

    class Meta:
        app_label = "applications"
        verbose_name = "rappel"
        ordering = ["-queued_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["target", "step", "rule"], name="reminder_once")]
        indexes = [
            models.Index(
                fields=["application"], condition=models.Q(application__isnull=False), name="reminder_application"
            )
        ]

    def __str__(self) -> str:
        return f"{self.target} – {self.step}"
