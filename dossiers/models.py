"""What an application contains: answers, pieces, annexes, sign-offs, and what is frozen when it is filed."""

from __future__ import annotations

import secrets
import uuid
from functools import cached_property

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.functions import Upper
from django.utils import timezone

from dossiers.guards import LATE_SCAN, STILL_AWAITED, frozen_guard
from dossiers.signatories import FormerLink, Question, SigningCode  # noqa: F401 (models of this app too)
from dossiers.spec import AnnexSpec, DossierSpec, get_spec
from portal.validators import plain_line
from portal.workflow import TransitionLog


class Dossier(models.Model):
    """The content of one application.

    kind, parameters: which spec applies, with the numbers of the offer, settled when it was published.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="dossiers")
    kind = models.CharField(max_length=60)
    parameters = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    frozen_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = "dossier"
        ordering = ["-created_at", "pk"]
        triggers = [
            pgtrigger.Protect(
                name="filed_stays_filed",
                operation=pgtrigger.Update | pgtrigger.Delete,
                condition=pgtrigger.Q(old__frozen_at__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"Dossier {self.kind} de {self.owner}"

    @cached_property
    def spec(self) -> DossierSpec:
        return get_spec(self.kind, self.parameters)

    @property
    def is_frozen(self) -> bool:
        return self.frozen_at is not None


class RequirementChange(models.Model):
    """What the offer asks for changed while this dossier was prepared. `sentences`, in French: what is asked now.

    seen_at: when the candidate said that they had read it.
    """

    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="requirement_changes")
    sentences = models.JSONField()
    at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "changement de ce que l’offre demande"
        verbose_name_plural = "changements de ce que l’offre demande"
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.dossier_id} – {self.at:%Y-%m-%d}"


class SectionAnswers(models.Model):
    """What the candidate typed in one section, exactly (raw answers), right or wrong.

    version: counts the changes. writer: the open page that made the last one, where it saves as one types.
    """

    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="answers")
    section = models.CharField(max_length=60)
    raw = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    writer = models.CharField(max_length=40, blank=True)
    saved_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "réponses à une section"
        verbose_name_plural = "réponses aux sections"
        ordering = ["dossier", "section"]
        constraints = [models.UniqueConstraint(fields=["dossier", "section"], name="answers_once_per_section")]
        triggers = [frozen_guard("frozen_answers")]

    def __str__(self) -> str:
        return f"{self.dossier_id} – {self.section}"


def piece_path(piece: Piece, filename: str) -> str:
    """An unguessable key; the candidate's file name stays in the database, where nothing interprets it."""
    return f"pieces/{piece.dossier_id}/{secrets.token_urlsafe(24)}"


class PieceManager(models.Manager):
    """A piece comes with its safe copy: whoever lists pieces tells what became of them."""

    def get_queryset(self) -> models.QuerySet:
        return super().get_queryset().select_related("safe_copy")


class Piece(models.Model):
    """A file given by the candidate, as it came. Bytes are never changed in place: a new file is a new row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="pieces")
    key = models.CharField(max_length=60)
    file = models.FileField(upload_to=piece_path, max_length=200)
    name = models.CharField("nom du fichier", max_length=200)
    content_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField("taille en octets")
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField(auto_now_add=True)

    objects = PieceManager()

    class Meta:
        verbose_name = "pièce"
        ordering = ["dossier", "key", "uploaded_at"]
        triggers = [frozen_guard("frozen_pieces", unless=LATE_SCAN)]

    def __str__(self) -> str:
        return self.name

    def signed_annex(self) -> Annex | None:
        """The annex that this scan was signed on, in whatever version of its opinion."""
        versions = SignOff.objects.filter(annex=models.OuterRef("pk"), content__scan__sha256=self.sha256)
        of_this_sheet = models.Q(scan=self) | models.Exists(versions)
        return Annex.objects.filter(of_this_sheet, dossier=self.dossier_id).select_related("dossier").first()


def copy_path(copy: SafeCopy, filename: str) -> str:
    return f"copies/{copy.piece.dossier_id}/{secrets.token_urlsafe(24)}"


class SafeCopy(models.Model):
    """The safe PDF that all but the candidate read of a piece, once the worker has made it (`dossiers.clearing`).

    A row of its own: the pieces of a filed dossier are frozen, and may still be waiting for their copy. A verdict is
    final: the database refuses to change it. reason: why the file is refused and what to do, in French.
    """

    class Verdict(models.TextChoices):
        WAITING = "waiting", "Vérification en cours"
        READY = "ready", "Vérifié"
        REFUSED = "refused", "Refusé"

    piece = models.OneToOneField(Piece, models.CASCADE, related_name="safe_copy", primary_key=True)
    verdict = models.CharField("verdict", max_length=10, choices=Verdict.choices, default=Verdict.WAITING)
    reason = models.TextField("motif du refus", blank=True)
    file = models.FileField(upload_to=copy_path, max_length=200, blank=True)
    thumbnail = models.FileField(upload_to=copy_path, max_length=200, blank=True)
    size = models.PositiveBigIntegerField("taille en octets", default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    pages = models.PositiveIntegerField(default=0)
    claimed_at = models.DateTimeField("prise en charge", null=True)
    attempts = models.PositiveSmallIntegerField("essais interrompus", default=0)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "copie vérifiée"
        verbose_name_plural = "copies vérifiées"
        ordering = ["piece"]
        indexes = [
            models.Index(fields=["claimed_at"], condition=models.Q(verdict="waiting"), name="copies_waiting"),
        ]
        triggers = [
            pgtrigger.Protect(
                name="verdict_is_final", operation=pgtrigger.Update, condition=~pgtrigger.Q(old__verdict="waiting")
            )
        ]

    def __str__(self) -> str:
        return f"{self.piece_id} – {self.get_verdict_display()}"

    @property
    def is_waiting(self) -> bool:
        return self.verdict == self.Verdict.WAITING

    @property
    def is_ready(self) -> bool:
        return self.verdict == self.Verdict.READY

    @property
    def is_refused(self) -> bool:
        return self.verdict == self.Verdict.REFUSED

    @property
    def stored(self) -> list[str]:
        """The keys of its files in the storage."""
        return [file.name for file in (self.file, self.thumbnail) if file]


class Opinion(models.TextChoices):
    FAVORABLE = "favorable", "Favorable"
    RESERVED = "reserved", "Favorable avec réserves"
    UNFAVORABLE = "unfavorable", "Défavorable"


class Annex(models.Model):
    """One opinion asked of one signatory. Its states move in `dossiers.signing` alone.

    The link's secret is never stored: `link_nonce` changes with every new link, the secret is derived from it with
    the server's key, and `link_hash` finds the annex from the secret that a signatory brings.

    note: a line of the candidate's own, in the mail. draft: what the signatory has typed so far;
    draft_writer: the open page that saved it last.
    sign_off: the present version of the opinion. shown_digest: of the answers that it was given on.
    scan: of the paper, where the opinion was signed on paper; scan_doubt: what does not fit with it.
    late: still awaited when the dossier was filed.
    """

    class State(models.TextChoices):
        TO_SEND = "to_send", "À envoyer"
        SENT = "sent", "Envoyée"
        OPENED = "opened", "Ouverte"
        IN_PROGRESS = "in_progress", "En cours de réponse"
        SIGNED = "signed", "Signée"
        DECLINED = "declined", "Déclinée"
        EXPIRED = "expired", "Expirée"
        BOUNCED = "bounced", "Non remise"

    WAITING = frozenset({State.SENT, State.OPENED, State.IN_PROGRESS})
    ASKED = WAITING | {State.EXPIRED, State.BOUNCED}  # there is a link: an answer may come, if it is in time

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    dossier = models.ForeignKey(Dossier, models.CASCADE, related_name="annexes")
    key = models.CharField(max_length=60)
    state = models.CharField("état", max_length=12, choices=State.choices, default=State.TO_SEND)
    signatory_name = models.CharField(
        "nom et prénom du signataire", max_length=150, blank=True, validators=[plain_line]
    )
    signatory_function = models.CharField("fonction", max_length=150, blank=True, validators=[plain_line])
    signatory_institution = models.CharField("établissement", max_length=200, blank=True, validators=[plain_line])
    signatory_email = models.EmailField("adresse électronique professionnelle", blank=True)
    note = models.CharField("votre mot, dans le message", max_length=300, blank=True, validators=[plain_line])
    link_nonce = models.CharField(max_length=43, blank=True)
    link_hash = models.CharField(max_length=64, blank=True, db_index=True)
    sent_at = models.DateTimeField(null=True)
    renewed_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    decline_reason = models.TextField("motif du refus", blank=True)
    bounce_reason = models.CharField("motif de la non-remise", max_length=300, blank=True)
    draft = models.JSONField(default=dict, blank=True)
    drafted_at = models.DateTimeField(null=True)
    draft_writer = models.CharField(max_length=40, blank=True)
    sign_off = models.ForeignKey("SignOff", models.PROTECT, null=True, related_name="+", verbose_name="avis signé")
    shown_digest = models.CharField(max_length=64, blank=True)
    confirmation_asked_at = models.DateTimeField(null=True)
    scan = models.ForeignKey(Piece, models.RESTRICT, null=True, related_name="+", verbose_name="scan signé")
    scan_doubt = models.CharField(max_length=200, blank=True)
    late = models.BooleanField(default=False)

    class Meta:
        verbose_name = "annexe"
        ordering = ["dossier", "key"]
        constraints = [
            models.UniqueConstraint(fields=["dossier", "key"], name="annex_once_per_dossier"),
            models.UniqueConstraint(fields=["link_hash"], condition=~models.Q(link_hash=""), name="annex_link_unique"),
        ]
        indexes = [
            # What a person still owes, whatever the case of the address: each reminder asks.
            models.Index(
                Upper("signatory_email"),
                condition=models.Q(state__in=["sent", "opened", "in_progress"]),
                name="annex_asked_of",
            )
        ]
        triggers = [frozen_guard("frozen_annexes", unless=STILL_AWAITED)]

    def __str__(self) -> str:
        return f"{self.key} – {self.signatory_name or 'signataire à désigner'}"

    @cached_property
    def spec(self) -> AnnexSpec:
        """As the dossier asks for it or, where it no longer does, as its kind does."""
        return self.dossier.spec.annex_by_key.get(self.key) or get_spec(self.dossier.kind, {}).annex_by_key[self.key]

    @property
    def takes_late_paper(self) -> bool:
        """Filed without it: it may still come on paper, once; once more where nobody can read the scan."""
        return self.late and (self.is_asked or bool(self.scan and self.scan.safe_copy.is_refused))

    @property
    def is_waiting(self) -> bool:
        return self.state in self.WAITING

    @property
    def is_asked(self) -> bool:
        return self.state in self.ASKED


class AnnexTransition(TransitionLog):
    subject = models.ForeignKey(Annex, models.CASCADE, related_name="transitions")

    class Meta(TransitionLog.Meta):
        verbose_name = "mouvement d’une annexe"


class SignOff(models.Model):
    """A signed opinion: who, in what quality, how verified, when, and the fingerprint of what they saw and wrote.

    Written once: the database refuses to change it. `content` is what was shown and what was signed. Confirmed or
    signed anew, an opinion has one more version: the earlier ones stay.
    carried_from: the same record in a filed dossier that was reopened; it keeps its reference.
    """

    class Manner(models.TextChoices):
        ELECTRONIC = "electronic", "Signé en ligne"
        CONFIRMED = "confirmed", "Confirmé en ligne"
        PAPER = "paper", "Signé sur papier"

    reference = models.CharField(max_length=20)
    carried_from = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    annex = models.ForeignKey(Annex, models.PROTECT, related_name="sign_offs")
    version = models.PositiveSmallIntegerField(default=1)
    manner = models.CharField("forme", max_length=12, choices=Manner.choices, default=Manner.ELECTRONIC)
    signer_name = models.CharField(max_length=150)
    signer_quality = models.CharField(max_length=300)
    verified_by = models.CharField(max_length=200)
    opinion = models.CharField("avis", max_length=20, choices=Opinion.choices)
    content = models.JSONField()
    sha256 = models.CharField(max_length=64)
    signed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "avis signé"
        verbose_name_plural = "avis signés"
        ordering = ["-signed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["reference"], condition=models.Q(carried_from__isnull=True), name="sign_off_reference_once"
            ),
            models.UniqueConstraint(fields=["annex", "version"], name="sign_off_version_once"),
        ]
        triggers = [pgtrigger.Protect(name="sign_off_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return self.reference


class FrozenDossier(models.Model):
    """What was filed, as it was filed. Written once; documents are rendered from it, never from newer data."""

    dossier = models.OneToOneField(Dossier, models.PROTECT, related_name="frozen")
    content = models.JSONField()
    sha256 = models.CharField(max_length=64)
    frozen_at = models.DateTimeField()

    class Meta:
        verbose_name = "dossier déposé"
        verbose_name_plural = "dossiers déposés"
        ordering = ["-frozen_at"]
        triggers = [pgtrigger.Protect(name="filed_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.dossier_id} – {self.sha256[:12]}"


def document_path(document: PrintedDocument, filename: str) -> str:
    return f"documents/{document.folder}/{secrets.token_urlsafe(24)}.pdf"


# No letter that reads as a digit.
REFERENCE_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference() -> str:
    """Eighty bits of chance: it says nothing, and nobody finds one by trying."""
    return "".join(secrets.choice(REFERENCE_LETTERS) for _ in range(16))


class PrintedDocument(models.Model):
    """A PDF that the portal has established, sealed and keeps. Its reference is printed on it."""

    reference = models.CharField("référence", max_length=16, unique=True, null=True, editable=False)  # noqa: DJ001 (unique, and absent from what was printed before there were any)
    file = models.FileField(upload_to=document_path, max_length=200)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64, db_index=True)
    rendered_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True

    @property
    def folder(self) -> str:
        """Where its file is kept."""
        raise NotImplementedError


class Document(PrintedDocument):
    """A PDF rendered from a frozen dossier: one of each kind, once.

    edition: how many opinions that came after the filing a volume holds; the one that has more replaces the others.
    """

    class Kind(models.TextChoices):
        DOSSIER = "dossier", "Dossier"
        RECEIPT = "receipt", "Accusé de réception"
        DECISION = "decision", "Décision"  # once it is taken
        BUNDLE = "bundle", "Volume complet"  # last: made from the dossier

    frozen = models.ForeignKey(FrozenDossier, models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    edition = models.PositiveSmallIntegerField("avis reçus après le dépôt", default=0)

    class Meta:
        verbose_name = "document"
        ordering = ["-rendered_at"]
        constraints = [models.UniqueConstraint(fields=["frozen", "kind", "edition"], name="one_document_of_each_kind")]
        triggers = [pgtrigger.Protect(name="document_is_final", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} – {self.sha256[:12]}"

    @property
    def folder(self) -> str:
        return str(self.frozen.dossier_id)


class PrintingTries(models.Model):
    """How often a document was tried in vain (`dossiers.tries`). layout: of that portal; told: to the technicians."""

    frozen = models.ForeignKey(FrozenDossier, models.CASCADE, related_name="tries")
    kind = models.CharField(max_length=20, choices=Document.Kind.choices)
    edition = models.PositiveSmallIntegerField(default=0)
    count = models.PositiveSmallIntegerField(default=0)
    rests_until = models.DateTimeField(null=True)
    layout = models.CharField(max_length=64)
    told = models.BooleanField(default=False)

    class Meta:
        verbose_name = "essais d’un document"
        constraints = [models.UniqueConstraint(fields=["frozen", "kind", "edition"], name="tries_once_per_document")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} – {self.count}"
