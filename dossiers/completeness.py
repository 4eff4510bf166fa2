"""What is missing, and who is holding it up: read by the dossier page, the reminders, HR's lists and the filing."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from dossiers import changes
from dossiers.content import shown_to_signatory
from dossiers.models import Annex, Dossier, Piece
from dossiers.spec import AnnexSpec, PieceSpec, Problem, SectionSpec

URGENT_DAYS = 7


@dataclass(frozen=True)
class SectionState:
    part = "section"
    spec: SectionSpec
    started: bool
    problems: list[Problem]

    @property
    def blocking(self) -> list[Problem]:
        return [problem for problem in self.problems if problem.blocking]

    @property
    def warnings(self) -> list[Problem]:
        return [problem for problem in self.problems if not problem.blocking]

    @property
    def is_done(self) -> bool:
        return not self.blocking


@dataclass(frozen=True)
class PieceState:
    part = "piece"
    spec: PieceSpec
    files: list[Piece]
    is_required: bool

    @property
    def is_done(self) -> bool:
        """A file still being checked counts: nobody misses a deadline because of a slow worker."""
        return not self.refused and (bool(self.files) or not self.is_required)

    @property
    def refused(self) -> list[Piece]:
        """They must be replaced or removed: the commission could not read them."""
        return [file for file in self.files if file.safe_copy.is_refused]

    @property
    def waiting(self) -> list[Piece]:
        return [file for file in self.files if file.safe_copy.is_waiting]

    @property
    def sentence(self) -> str:
        if self.refused:
            return f"Un fichier de la pièce « {self.spec.label} » est refusé : remplacez-le ou retirez-le."
        return f"La pièce « {self.spec.label} » manque."


@dataclass(frozen=True)
class AnnexState:
    part = "annex"
    spec: AnnexSpec
    annex: Annex | None
    scan_is_refused: bool = False  # signed on paper, on a file that nobody can read
    is_stale: bool = False  # signed on answers that have changed since
    confirmation_blocks: bool = False

    @property
    def state(self) -> str:
        return self.annex.state if self.annex else Annex.State.TO_SEND

    @property
    def state_label(self) -> str:
        return Annex.State(self.state).label

    @property
    def is_done(self) -> bool:
        return self.state == Annex.State.SIGNED and not (self.waits_for_confirmation or self.scan_is_refused)

    @property
    def waits_for_confirmation(self) -> bool:
        return self.is_stale and self.confirmation_blocks

    @property
    def is_awaited(self) -> bool:
        """Nothing is left to do but to sign, for who was asked."""
        return bool(self.annex and self.annex.is_waiting)

    @property
    def is_named(self) -> bool:
        return bool(self.annex and self.annex.signatory_email)


@dataclass(frozen=True)
class Completeness:
    sections: list[SectionState] = field(default_factory=list)
    pieces: list[PieceState] = field(default_factory=list)
    annexes: list[AnnexState] = field(default_factory=list)

    @cached_property
    def steps(self) -> list[SectionState | PieceState | AnnexState]:
        return [*self.sections, *self.pieces, *self.annexes]

    @cached_property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def total(self) -> int:
        return len(self.steps)

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 100

    @property
    def is_complete(self) -> bool:
        return self.done == self.total

    @property
    def lacks_only_signatures(self) -> bool:
        """Whether it may be filed where signatures may follow: nothing else is missing."""
        return all(step.part == "annex" and step.is_awaited for step in self.steps if not step.is_done)

    @property
    def missing_sections(self) -> list[SectionState]:
        return [step for step in self.sections if not step.is_done]

    @property
    def missing_pieces(self) -> list[PieceState]:
        return [step for step in self.pieces if not step.is_done]

    @property
    def missing_annexes(self) -> list[AnnexState]:
        return [step for step in self.annexes if not step.is_done]

    @property
    def waiting(self) -> list[AnnexState]:
        """The annexes that wait for their signatory, the one asked first before the others."""
        asked = [step for step in self.missing_annexes if step.annex and step.annex.is_waiting]
        return sorted(asked, key=lambda step: step.annex.sent_at)

    @property
    def annexes_to_send(self) -> list[AnnexState]:
        """The requests that wait for nothing but to leave."""
        return [step for step in self.annexes if step.is_named and step.state == Annex.State.TO_SEND]

    @property
    def annex_to_ask(self) -> AnnexState | None:
        """The next annex that waits for the candidate rather than for its signatory."""
        return next(
            (
                step
                for step in self.missing_annexes
                if not (step.annex and (step.annex.is_waiting or step.annex.confirmation_asked_at))
            ),
            None,
        )

    def next_step(self, days_left: int | None) -> SectionState | PieceState | AnnexState | None:
        """What the candidate had better do now. Others take their time to sign: near the deadline they come first."""
        is_urgent = days_left is not None and days_left <= URGENT_DAYS
        own = [*self.missing_sections, *self.missing_pieces]
        asked = [self.annex_to_ask] if self.annex_to_ask else []
        return next(iter([*asked, *own] if is_urgent else [*own, *asked]), None)

    def sentences(self, *, signatures_may_follow: bool = False) -> list[str]:
        """What prevents filing, one French sentence each. signatures_may_follow: those asked may sign after it."""
        return [
            *(f"La partie « {step.spec.title} » est à compléter." for step in self.missing_sections),
            *(step.sentence for step in self.missing_pieces),
            *(_missing_annex(step) for step in self.missing_annexes if not (signatures_may_follow and step.is_awaited)),
        ]


def _missing_annex(step: AnnexState) -> str:
    annex = f"L’annexe {step.spec.number} « {step.spec.title} »"
    if step.scan_is_refused:
        return f"{annex} est signée sur papier, mais le scan est refusé : déposez-en un autre."
    if step.waits_for_confirmation:
        return f"{annex} est signée sur une version antérieure de vos réponses : son signataire doit la confirmer."
    if not step.is_named:
        return f"{annex} n’est pas signée (signataire à désigner)."
    return f"{annex} n’est pas signée ({step.state_label.lower()})."


def _is_stale(dossier: Dossier, spec: AnnexSpec, annex: Annex | None, answers: dict[str, dict]) -> bool:
    if annex is None or annex.state != Annex.State.SIGNED or not annex.shown_digest:
        return False
    return changes.digest(shown_to_signatory(dossier.spec, spec, answers)) != annex.shown_digest


def completeness(dossier: Dossier) -> Completeness:
    """Judge a dossier as it stands, in three queries (fewer where the relations are prefetched)."""
    spec = dossier.spec
    answers = {row.section: row.raw for row in dossier.answers.all()}
    annexes = {annex.key: annex for annex in dossier.annexes.all()}
    files: dict[str, list[Piece]] = {}
    for piece in dossier.pieces.all():
        files.setdefault(piece.key, []).append(piece)
    cleaned = {section.key: section.clean(answers.get(section.key, {})) for section in spec.sections}
    values = {key: section.values for key, section in cleaned.items()}
    return Completeness(
        sections=[
            SectionState(section, section.key in answers, cleaned[section.key].problems) for section in spec.sections
        ],
        pieces=[PieceState(piece, files.get(piece.key, []), piece.is_required(values)) for piece in spec.pieces],
        annexes=[
            AnnexState(
                annex,
                annexes.get(annex.key),
                any(
                    scan.pk == annexes[annex.key].scan_id and scan.safe_copy.is_refused
                    for scan in files.get(f"annexe-{annex.key}", ())
                ),
                _is_stale(dossier, annex, annexes.get(annex.key), answers),
                spec.confirmation_blocks,
            )
            for annex in spec.annexes
        ],
    )
