"""The promises of the architecture, read in the code itself."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pghistory.models
import pytest
from django.apps import apps
from django.conf import settings
from django.db import models

from dossiers.completeness import completeness
from dossiers.content import dossier_content, section_content
from dossiers.models import Annex
from offers.kinds import all_kinds
from portal.forms import SectionForm
from portal.workflow import TransitionLog
from tests import factories as make
from tests.answers import filled_answers

ROOMS = ("applications", "dossiers", "offers", "portal")
EVERY_KIND = pytest.mark.parametrize("kind", all_kinds(), ids=lambda kind: kind.slug)


def modules() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for path in sorted((settings.BASE_DIR / room).rglob("*.py")):
            name = str(path.relative_to(settings.BASE_DIR))
            if "/migrations/" not in name:
                yield name, ast.parse(path.read_text())


MODULES = dict(modules())


def found(matches) -> list[str]:
    return [f"{name}:{node.lineno}" for name, tree in MODULES.items() for node in ast.walk(tree) if matches(name, node)]


# One way through a life cycle


def sets_a_state(name: str, node: ast.AST) -> bool:
    """`x.state = …`, `setattr(x, "state", …)`, `.update(state=…)`, `bulk_update(…, ["state"])`."""
    if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        inner = [part for target in targets for part in ast.walk(target)]
        return any(
            isinstance(part, ast.Attribute) and part.attr == "state" and isinstance(part.ctx, ast.Store)
            for part in inner
        )
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = [argument.value for argument in ast.walk(node) if isinstance(argument, ast.Constant)]
        if called in {"setattr", "bulk_update"}:
            return "state" in words
        return called in {"update", "update_or_create"} and any(keyword.arg == "state" for keyword in node.keywords)
    return False


# A mail of the outbox is not a life cycle of the domain: it is sent or it failed.
SETS_A_STATE = {"portal/workflow.py", *(f"portal/notifications/{name}.py" for name in ("bounces", "claims", "tasks"))}


def test_a_state_changes_in_one_place_alone():
    elsewhere = [place for place in found(sets_a_state) if place.split(":")[0] not in SETS_A_STATE]
    assert not elsewhere, "a state is changed outside portal/workflow.py"


def test_every_state_of_the_domain_has_its_log():
    logs = {log._meta.get_field("subject").related_model for log in TransitionLog.__subclasses__()}
    with_state = {
        model
        for model in apps.get_models()
        if model.__module__.split(".")[0] in ROOMS
        and any(field.name == "state" for field in model._meta.fields)
        and model._meta.label != "notifications.Mail"
        and not issubclass(model, pghistory.models.Event)  # what rows were: it has no life of its own
    }
    assert logs == with_state


# One file per kind


def asks_which_kind(name: str, node: ast.AST) -> bool:
    """A comparison with the slug of a kind, or of anything named `kind` with a constant."""
    if not isinstance(node, ast.Compare | ast.MatchValue):
        return False
    parts = [node.left, *node.comparators] if isinstance(node, ast.Compare) else [node.value]
    constants = {
        inner.value for part in parts for inner in ast.walk(part) if isinstance(inner, ast.Constant) and inner.value
    }
    about_a_kind = any(
        getattr(part, "attr", getattr(part, "id", "")) in {"kind", "kind_slug", "slug"} for part in parts
    )
    return bool(constants & SLUGS) or (about_a_kind and any(isinstance(constant, str) for constant in constants))


SLUGS = {kind.slug for kind in all_kinds()}


def test_nothing_outside_the_kinds_asks_which_kind_it_is():
    assert not [place for place in found(asks_which_kind) if not place.startswith("offers/kinds/")]


def test_no_kind_is_named_outside_its_file_and_the_demonstration():
    named = found(lambda name, node: isinstance(node, ast.Constant) and node.value in SLUGS)
    allowed = ("offers/kinds/", "portal/demonstration/", "offers/demo/")
    assert not [place for place in named if not place.startswith(allowed)]


def test_no_template_names_a_kind():
    slug = re.compile("|".join(rf"[\"']{slug}[\"']" for slug in SLUGS))
    templates = (settings.BASE_DIR / "templates").rglob("*.*")
    assert not [str(path) for path in templates if slug.search(path.read_text())]


# One definition


@EVERY_KIND
def test_every_field_is_in_the_form_and_in_the_recap(kind):
    """Sections, and what annexes ask of their signatories: same fields, same order, in the form and in the content."""
    spec = kind.dossier_spec({})
    for section in [*spec.sections, *(annex.form_section for annex in spec.annexes)]:
        names = [field.name for field in section.fields]
        assert list(SectionForm(section).fields) == names
        assert [entry["name"] for entry in section_content(section, {})["entries"]] == names


@pytest.mark.django_db
@EVERY_KIND
def test_the_content_holds_the_whole_spec(kind):
    """What is frozen, read by the recap and by the PDF, has each section, piece and annex; completeness judges each."""
    offer = make.OfferFactory(kind=kind.slug, parameters={})
    application = make.ApplicationFactory(offer=offer)
    make.fill_sections(application)
    spec = application.dossier.spec
    content = dossier_content(application.dossier, {})
    for part in ("sections", "pieces", "annexes"):
        keys = [item.key for item in getattr(spec, part)]
        assert [item["key"] for item in content[part]] == keys
        assert [step.spec.key for step in getattr(completeness(application.dossier), part)] == keys
    assert json.loads(json.dumps(content)) == content
    answered = [entry for section in content["sections"] for entry in section["entries"]]
    assert {entry["name"] for entry in answered} == {name for raw in filled_answers(spec).values() for name in raw}
    assert not [entry["name"] for entry in answered if not entry["display"]]


@pytest.mark.django_db
@EVERY_KIND
def test_every_kind_can_be_filed(kind):
    """From the beginning to the receipt, with nothing but what the kind declares."""
    offer = make.OfferFactory(kind=kind.slug, parameters={})
    application = make.complete(make.ApplicationFactory(offer=offer))
    assert make.file_now(application).number
    assert Annex.objects.filter(state=Annex.State.SIGNED).count() == len(application.dossier.spec.annexes)


# Where a line of code lives


def test_no_drawer_for_everything():
    drawers = {"utils", "helpers", "services", "common", "misc"}
    assert not [name for name in MODULES if drawers & set(Path(name).with_suffix("").parts)]


def test_modules_and_functions_stay_short():
    """About 400 lines a module and 50 a function: beyond, they want a split along their own seams."""
    long_modules = [name for name, tree in MODULES.items() if max((n.end_lineno for n in tree.body), default=0) > 450]
    long_functions = found(lambda name, node: isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno > 60)
    assert not [name for name in long_modules if not name.startswith("offers/kinds/")]
    assert not [place for place in long_functions if not place.startswith("offers/kinds/")]


def test_no_signal_holds_business():
    assert not found(lambda name, node: isinstance(node, ast.Name) and node.id in {"post_save", "pre_save", "receiver"})


def test_every_constraint_speaks_french():
    """A person who breaks one is told in words; those that no form can break may stay silent."""
    silent = [
        constraint.name
        for model in apps.get_models()
        if model.__module__.split(".")[0] in ROOMS
        for constraint in model._meta.constraints
        if isinstance(constraint, models.CheckConstraint)
        and constraint.violation_error_message == constraint.default_violation_error_message
    ]
    assert not silent


def test_mail_leaves_through_the_outbox_alone():
    places = found(
        lambda name, node: (
            (isinstance(node, ast.ImportFrom) and node.module in {"django.core.mail", "smtplib"})
            or (isinstance(node, ast.Attribute) and node.attr == "email_user")
        )
    )
    assert {place.split(":")[0] for place in places} == {"portal/notifications/tasks.py"}
