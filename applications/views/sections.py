"""The form of a dossier, one section a page: saved as one types, or by its buttons; never overwritten in silence."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers

from applications.models import Application
from applications.views.access import own_draft, spec_part
from dossiers.answers import ChangedMeanwhile, differences, save_answers
from dossiers.models import SectionAnswers
from dossiers.spec import SectionSpec
from dossiers.tables import TableWidget
from portal import typed_text
from portal.forms import SectionForm, flatten

VERSION_HEADER = "X-Version"  # of the stored answers, for the page that saves as one types


@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
def section(request: HttpRequest, pk: UUID, key: str) -> HttpResponse:
    """One section. Whatever is typed is saved, right or wrong; what is wrong is then told beside its field."""
    if not request.user.is_authenticated:
        return _sign_in_again(request, pk)
    application = own_draft(request, pk)
    spec = spec_part(application.dossier, "section", key)
    if request.method == "POST":
        return _save(request, application, spec)
    if kept := typed_text.give_back(request):
        return _give_back(request, application, spec, kept.posted)
    stored = application.dossier.answers.filter(section=key).first()
    raw = stored.raw if stored else _prefilled(application, spec)
    check = request.GET.get("verifier") == "1"
    form = SectionForm.from_raw(spec, raw, check=check)
    if stored and not check:
        form.add_problems(problem for problem in spec.clean(raw).problems if not problem.missing)
    return _page(request, application, spec, form, stored.version if stored else 0, stored=stored)


def _sign_in_again(request: HttpRequest, pk: UUID) -> HttpResponse:
    """To the sign-in page and back; what was typed in a dossier that exists waits for its author."""
    if request.htmx:
        return _without_swap(request, render(request, "applications/_saved.html", {"state": "signed_out"}, status=401))
    if request.method == "POST" and Application.objects.filter(pk=pk, state=Application.State.DRAFT).exists():
        typed_text.keep(request)
    return redirect_to_login(request.path)


def _give_back(request: HttpRequest, application: Application, spec: SectionSpec, kept: QueryDict) -> HttpResponse:
    return _page(request, application, spec, SectionForm(spec, kept, check=False), _shown(kept), restored=True)


def _save(request: HttpRequest, application: Application, spec: SectionSpec) -> HttpResponse:
    form = SectionForm(spec, request.POST, check=False)
    raw, writer = form.raw(), request.POST.get("page", "")[:40]
    try:
        chosen = _mixed(application, spec, request.POST, raw)
        version = save_answers(application.dossier, spec.key, chosen, shown=_shown(request.POST), writer=writer)
    except ChangedMeanwhile as change:
        return _conflict(request, application, spec, raw, change.stored)
    if request.htmx and "add-row" not in request.POST:
        return _saved(request, spec, raw, version)
    return _after_saving(request, application, spec, chosen, version)


def _mixed(application: Application, spec: SectionSpec, posted: QueryDict, mine: dict) -> dict:
    """What the person chose, question by question, between the two versions that the conflict page showed."""
    if posted.get("keep") == "mine":  # all that was typed: what was left empty is not
        taken = [name for name in spec.by_name if not mine.get(name)]
    else:
        taken = [name for name in spec.by_name if posted.get(f"choice-{name}") == "other"]
    stored = application.dossier.answers.filter(section=spec.key).first() if taken else None
    if stored is None:
        return mine
    if stored.version != _shown(posted):
        raise ChangedMeanwhile(stored)
    return mine | {name: stored.raw.get(name, "") for name in taken}


def _saved(request: HttpRequest, spec: SectionSpec, raw: dict, version: int) -> HttpResponse:
    wrong = {problem.field for problem in spec.clean(raw).problems if problem.blocking and not problem.missing}
    response = render(request, "applications/_saved.html", {"state": "saved", "wrong": len(wrong)})
    response[VERSION_HEADER] = str(version)
    return response


def _after_saving(request, application: Application, spec: SectionSpec, raw: dict, version: int) -> HttpResponse:
    if (table := request.POST.get("add-row", "")) in spec.by_name:
        return _one_row_more(request, application, spec, table)
    wrong = [problem for problem in spec.clean(raw).problems if not problem.missing]
    if any(problem.blocking for problem in wrong):
        form = SectionForm.from_raw(spec, raw)
        form.add_problems(wrong)
        messages.warning(request, "Vos réponses sont enregistrées. Certaines sont à corriger.")
        return _page(request, application, spec, form, version)
    messages.success(request, f"« {spec.title} » est enregistré.")
    return redirect(*_next_place(application, spec.key, request.POST.get("next")))


def _one_row_more(request, application: Application, spec: SectionSpec, table: str) -> HttpResponse:
    widget = spec.by_name[table].make_form_field().widget
    rows = widget.shown_rows(request.POST, table) + 1 if isinstance(widget, TableWidget) else 0
    address = reverse("applications:section", args=[application.pk, spec.key])
    return redirect(f"{address}?lignes-{table}={rows}#lignes-{table}")


def _conflict(request, application: Application, spec: SectionSpec, raw: dict, stored: SectionAnswers) -> HttpResponse:
    """Both versions, side by side; nothing of either is lost before the person has chosen."""
    if request.htmx:
        return _without_swap(request, render(request, "applications/_saved.html", {"state": "conflict"}, status=409))
    context = _stepper(application, spec.key) | {
        "spec": spec,
        "version": stored.version,
        "saved_at": stored.saved_at,
        "differences": differences(spec, raw, stored.raw),
        "mine": [(name, value) for name, values in flatten(raw).lists() for value in values],
    }
    return render(request, "applications/conflict.html", context, status=409)


def _without_swap(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """A row was asked for: nothing replaces the table, the script submits the form for good."""
    if "add-row" in request.POST:
        response["HX-Reswap"] = "none"
    return response


def _shown(posted: QueryDict) -> int:
    """The version that a form was made from; one that does not say was made from none."""
    version = posted.get("version", "")
    return int(version) if version.isascii() and version.isdecimal() and len(version) < 10 else 0


def _page(request, application: Application, spec: SectionSpec, form: SectionForm, version: int, **extra):
    """version: of the stored answers that the form is to replace."""
    for name, field in form.fields.items():
        if isinstance(field.widget, TableWidget):
            field.widget.can_grow = True
            asked = request.GET.get(f"lignes-{name}", "")
            field.widget.rows = max(field.widget.rows, int(asked) if asked.isdecimal() and len(asked) < 4 else 0)
    context = _stepper(application, spec.key) | {"form": form, "spec": spec, "version": version} | extra
    response = render(request, "applications/section.html", context)
    response[VERSION_HEADER] = str(version)
    return response


def _prefilled(application: Application, spec: SectionSpec) -> dict[str, str]:
    """What the account already tells, so that it is not typed twice."""
    candidate = application.candidate
    known = {"full_name": candidate.get_full_name(), "email": candidate.email}
    return {name: value for name, value in known.items() if name in spec.by_name}


def _stepper(application: Application, key: str) -> dict:
    sections = application.dossier.spec.sections
    keys = [section.key for section in sections]
    position = keys.index(key)
    return {
        "application": application,
        "offer": application.offer,
        "position": position + 1,
        "total": len(sections),
        "previous": sections[position - 1] if position else None,
        "following": sections[position + 1] if position + 1 < len(sections) else None,
    }


def _next_place(application: Application, key: str, wish: str | None) -> tuple:
    following = _stepper(application, key)["following"]
    if wish == "following" and following:
        return "applications:section", application.pk, following.key
    return "applications:detail", application.pk
