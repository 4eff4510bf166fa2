"""People with an account, the institutions, and who acts for which."""

from __future__ import annotations

from functools import cached_property

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower


class UserManager(BaseUserManager):
    use_in_migrations = True

    def create_user(self, email: str, password: str | None = None, **extra):
        if not email:
            raise ValueError("An account needs an e-mail address.")
        user = self.model(email=email.strip().lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra):
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)

    def get_by_natural_key(self, email: str):
        return self.get(email__iexact=email)


class User(AbstractUser):
    """A person who signs in with an e-mail address: candidate, HR agent, commission member or administrator.

    Candidates have no membership; agents of HR have one per institution that they publish for.
    """

    username = None
    email = models.EmailField("adresse électronique", unique=True)
    first_name = models.CharField("prénom", max_length=150)
    last_name = models.CharField("nom", max_length=150)
    erasure_announced_at = models.DateTimeField(null=True, editable=False)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: list[str] = []
    objects = UserManager()

    class Meta:
        verbose_name = "compte"
        verbose_name_plural = "comptes"
        ordering = ["last_name", "first_name", "email"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"), name="user_email_unique", violation_error_message="Cette adresse a déjà un compte."
            )
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.email

    @cached_property
    def hr_institution_ids(self) -> frozenset[int]:
        """The institutions that this agent publishes and chases dossiers for. One query per request."""
        return frozenset(self.memberships.filter(role=Membership.Role.HR).values_list("institution_id", flat=True))

    def is_hr_of(self, institution_id: int) -> bool:
        return self.is_active and (self.is_superuser or institution_id in self.hr_institution_ids)


class Institution(models.Model):
    """A public body that publishes offers: its coordinates are those of the receipt (CRPA R112-11-1)."""

    class Kind(models.TextChoices):
        ARS = "ars", "Agence régionale de santé"
        COURT = "court", "Juridiction"
        MINISTRY = "ministry", "Ministère"

    name = models.CharField("nom", max_length=200, unique=True)
    kind = models.CharField("nature", max_length=20, choices=Kind.choices)
    address = models.TextField("adresse postale")
    email = models.EmailField("adresse électronique")
    phone = models.CharField("téléphone", max_length=25)

    class Meta:
        verbose_name = "institution"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    class Role(models.TextChoices):
        HR = "hr", "Ressources humaines"

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name="compte")
    institution = models.ForeignKey(Institution, models.CASCADE, related_name="memberships", verbose_name="institution")
    role = models.CharField("rôle", max_length=20, choices=Role.choices, default=Role.HR)

    class Meta:
        verbose_name = "rattachement"
        ordering = ["institution__name", "role"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "institution", "role"],
                name="membership_unique",
                violation_error_message="Ce compte a déjà ce rôle dans cette institution.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} – {self.get_role_display()}, {self.institution}"
