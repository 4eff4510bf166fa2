"""The one way through a life cycle (promise 3).

A workflow is a table of transitions on the `state` of a model. `Workflow.run` is the only code that changes it:
it locks the row, checks who may, checks what blocks, changes, logs, and lets the transition queue its effects;
all in one transaction. Whatever leaves the database (mail, PDF) starts after commit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import models, transaction


class TransitionRefused(Exception):
    """A transition that cannot happen now. `reasons` are French sentences for the person who asked."""

    def __init__(self, *reasons: str):
        self.reasons = reasons
        super().__init__(" ".join(reasons))


class NotAllowed(TransitionRefused):
    """The person may not do this, whatever the state."""


def nobody_special(actor: Any, obj: models.Model) -> bool:
    """No rule of its own: whoever reached the code may. For moves whose caller proved the right (a link, a task)."""
    return True


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One line of a life cycle's table.

    label: what one asks for ("Publier"); done: what the log then says ("Publiée").
    allowed: may this actor (a user, or None for the portal itself) do it to this object?
    when: does it make sense for this object, beyond its state? What does not is not offered.
    blockers: what prevents it now, as French sentences; called with the locked object, `reason` and the call's data.
    change: what else changes on the object, before it is saved; same arguments.
    effect: rows to write in the same transaction (outbox, receipt) and on_commit work; same arguments and the log row.
    """

    name: str
    label: str
    done: str
    sources: frozenset[str]
    target: str
    allowed: Callable[[Any, Any], bool]
    when: Callable[[Any], bool] = lambda obj: True
    blockers: Callable[..., Iterable[str]] = lambda obj, **data: ()
    change: Callable[..., None] = lambda obj, **data: None
    effect: Callable[..., None] = lambda obj, entry, **data: None
    reason_required: bool = False

    def starts_from(self, obj: models.Model) -> bool:
        return obj.state in self.sources and self.when(obj)


class TransitionLog(models.Model):
    """Who moved what, when, why. Concrete logs add a protected foreign key `subject` to their model."""

    name = models.CharField("mouvement", max_length=40)
    source = models.CharField("état de départ", max_length=30)
    target = models.CharField("état d’arrivée", max_length=30)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.RESTRICT, null=True, blank=True, related_name="+", verbose_name="auteur"
    )
    actor_label = models.CharField("auteur", max_length=300)
    reason = models.TextField("motif", blank=True)
    at = models.DateTimeField("date", auto_now_add=True)

    labels: dict[str, str] = {}  # of the transitions, by name; given by the workflow that writes this log

    class Meta:
        abstract = True
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.name} : {self.source} → {self.target}"

    @property
    def label(self) -> str:
        return self.labels.get(self.name, self.name)


class Workflow:
    """The life cycle of `model`, whose rows have a `state`, logged in `log`.

    lock_first: given a primary key, locks the rows that must be locked before this one (offer before application),
    always in the same order, so that two transitions wait for one another instead of deadlocking.
    """

    def __init__(
        self,
        model: type[models.Model],
        log: type[TransitionLog],
        transitions: Iterable[Transition],
        lock_first: Callable[[Any], None] = lambda pk: None,
    ):
        self.model, self.log, self.lock_first = model, log, lock_first
        self.transitions = {transition.name: transition for transition in transitions}
        log.labels = {transition.name: transition.done for transition in self.transitions.values()}

    def available(self, obj: models.Model, actor: Any) -> list[Transition]:
        """The transitions that this actor may ask for in the object's present state."""
        return [t for t in self.transitions.values() if t.starts_from(obj) and t.allowed(actor, obj)]

    def run(
        self, obj: models.Model, name: str, *, actor: Any = None, actor_label: str = "", reason: str = "", **data: Any
    ) -> Any:
        """Make `obj` go through the transition `name`; returns the fresh, saved row.

        Raises NotAllowed or TransitionRefused and then changes nothing. `actor_label` names an actor without account.
        """
        transition = self.transitions[name]
        with transaction.atomic():
            self.lock_first(obj.pk)
            row = self.model._base_manager.select_for_update(of=("self",)).get(pk=obj.pk)
            if not transition.allowed(actor, row):
                raise NotAllowed("Vous ne pouvez pas faire cette action.")
            if not transition.starts_from(row):
                raise TransitionRefused(f"« {transition.label} » n’est plus possible : {self._state_label(row)}.")
            if transition.reason_required and not reason.strip():
                raise TransitionRefused(f"« {transition.label} » demande un motif.")
            data["reason"] = reason.strip()
            if reasons := list(transition.blockers(row, **data)):
                raise TransitionRefused(*reasons)
            source, row.state = row.state, transition.target
            transition.change(row, **data)
            row.save()
            entry = self.log.objects.create(
                subject=row,
                name=name,
                source=source,
                target=transition.target,
                actor=actor,
                actor_label=actor_label or str(actor or "Le portail"),
                reason=data["reason"],
            )
            transition.effect(row, entry, **data)
        return row

    @staticmethod
    def _state_label(row: models.Model) -> str:
        return f"l’état est maintenant « {row.get_state_display()} »"
