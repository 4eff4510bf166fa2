"""The accounts of the demonstration: functions, not people; `example.org` addresses, one known password."""

from __future__ import annotations

from dataclasses import dataclass

from allauth.account.models import EmailAddress

from portal.accounts.models import Institution, Membership, User

PASSWORD = "demonstration-2026"
ADMINISTRATOR = "admin@example.org"


@dataclass(frozen=True)
class Account:
    email: str
    first_name: str
    last_name: str
    who: str
    hr_of: str = ""
    is_superuser: bool = False


ACCOUNTS = (
    Account("candidat@example.org", "Camille", "Exemple", "Candidature presque prête, à finir et à déposer"),
    Account("candidate@example.org", "Sacha", "Modèle", "Candidature déposée, lue par la commission"),
    Account("nouveau@example.org", "Dominique", "Nouveau", "Compte sans candidature"),
    Account("rh@example.org", "Gestion", "ARS Normandie", "Ressources humaines, ARS Normandie", hr_of="ars-normandie"),
    Account("rh-paris@example.org", "Gestion", "TJ Paris", "Ressources humaines, TJ de Paris", hr_of="tj-paris"),
    Account("commission@example.org", "Membre", "Commission", "Commission des assistants, ARS Normandie"),
    Account("commission-paris@example.org", "Membre", "Recrutement", "Commission de recrutement, TJ de Paris"),
    Account(ADMINISTRATOR, "Équipe", "Portail", "Administration du portail", is_superuser=True),
)


def make_accounts(institutions: dict[str, Institution]) -> dict[str, User]:
    """The accounts that are not there yet, with verified addresses; all of them, by address."""
    users = {}
    for account in ACCOUNTS:
        user = User.objects.filter(email=account.email).first()
        if user is None:
            user = User.objects.create_user(
                account.email,
                PASSWORD,
                first_name=account.first_name,
                last_name=account.last_name,
                is_staff=bool(account.hr_of) or account.is_superuser,
                is_superuser=account.is_superuser,
            )
            EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
            if account.hr_of:
                Membership.objects.create(user=user, institution=institutions[account.hr_of])
        users[account.email] = user
    return users


def listing() -> str:
    width = max(len(account.email) for account in ACCOUNTS)
    lines = [f"{account.email:<{width}}  {account.who}" for account in ACCOUNTS]
    return "\n".join([f"Comptes (mot de passe : {PASSWORD})", *lines])
