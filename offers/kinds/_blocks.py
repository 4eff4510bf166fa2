"""Fields and sections that several kinds ask for, under the same names everywhere.

The names `session_label`, `starts`, `contacts`, `submission_address` and `privacy_contact` are read by
`OfferKind.document_context`; `full_name`, `address`, `phone` and `email` may be filled in from the account.
"""

from __future__ import annotations

from django.utils.text import capfirst, slugify

from dossiers.fields import Checkbox, Choices, Date, Email, LongText, Phone, Rpps, Table, Text
from dossiers.spec import PieceSpec
from offers.kinds.base import text_lines

FULL_NAME = Text("full_name", "Nom et prénom", print_label="NOM et prénom du candidat", autocomplete="name")
ADDRESS = LongText(
    "address", "Adresse postale", print_label="Adresse", max_length=500, rows=3, autocomplete="street-address"
)
PHONE = Phone("phone", "Numéro de téléphone", print_label="N° de téléphone", width="half")
EMAIL = Email("email", "Adresse électronique", print_label="Adresse mail", width="half")
RPPS = Rpps(
    "rpps",
    "Numéro RPPS",
    required=False,
    width="half",
    help_text="11 chiffres, sur votre carte de professionnel de santé. Il facilite la vérification de l’inscription.",
)

SESSION_LABEL = Text("session_label", "Nom de la session", help_text="Par exemple : Session 2027.", max_length=80)
STARTS = LongText(
    "starts",
    "Prises de fonction possibles",
    help_text="Une par ligne, par exemple : novembre 2026. Le candidat en choisit une.",
    rows=3,
    max_length=400,
)
PRIVACY_CONTACT = Text(
    "privacy_contact",
    "Adresse du délégué à la protection des données",
    help_text="C’est à elle que le candidat écrit pour exercer ses droits.",
    max_length=254,
)
EXTRA_PIECES = LongText(
    "extra_pieces",
    "Pièces demandées en plus",
    required=False,
    help_text="Une par ligne. Elles s’ajoutent aux pièces de ce type d’offre, et les dossiers en préparation suivent.",
    rows=3,
    max_length=1000,
)
SUBMISSION_ADDRESS = Text(
    "submission_address",
    "Adresse électronique de dépôt (celle du formulaire officiel ; ici, le dépôt se fait en ligne)",
    required=False,
    max_length=254,
    help_text="Imprimée sur le dossier.",
)
CONTACTS = Table(
    "contacts",
    "Contacts",
    required=False,
    columns=(
        Text("area", "Pour", help_text="Par exemple : Subdivision de Rouen."),
        Text("contact", "Fonction ou service"),
        Phone("phone", "Téléphone", required=False),
        Email("email", "Adresse électronique", required=False),
    ),
    rows=2,
)

SIGNED_ON = Date("signed_on", "Date", width="half")
SIGNATURE = Text(
    "signature",
    "Signature",
    width="half",
    help_text="Écrivez votre nom et votre prénom : ils valent signature de cette page.",
    autocomplete="name",
)


def signature_fields(commitment: str) -> tuple[Date, Text, Checkbox]:
    """What stands for "Date :  Signature :" on paper: the day, the name typed, and a box that says what is signed."""
    return SIGNED_ON, SIGNATURE, Checkbox("signature_given", commitment)


def choices_from_lines(text: str) -> Choices:
    """The options of a question whose list a campaign types one per line. The stored answer is the line's slug."""
    return tuple((slugify(line), capfirst(line)) for line in text_lines(text))


def extra_pieces(text: str) -> tuple[PieceSpec, ...]:
    """The pieces that a campaign asks for beside those of its kind."""
    return tuple(PieceSpec(key=f"en-plus-{slugify(line)[:40]}", label=capfirst(line)) for line in text_lines(text))


def numbered(choices: Choices) -> str:
    """The labels of these choices as a numbered list, in their order."""
    return "\n".join(f"{rank}. {label}" for rank, (_, label) in enumerate(choices, start=1))
