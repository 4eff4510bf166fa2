"""The signatory's page: one link, no account, three minutes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from secrets import token_hex
from typing import Any

from django.contrib import messages
from django.core.exceptions import ObjectDoesNotExist
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format

from applications import answering, circuit, reopening
from applications.forms import CodeForm, DeclineForm, DelegateForm, OpinionForm, QuestionForm
from applications.views.links import by_link, dead_link
from dossiers import codes, signing
from dossiers.answers import storable
from dossiers.content import section_content
from dossiers.fingerprints import fingerprint
from dossiers.models import Annex, Opinion
from dossiers.signoffs import answer_content, seen_by_signatory
from portal.forms import SectionForm
from portal.workflow import TransitionRefused


@by_link("GET", "HEAD", "POST")
def annex(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    """Read what concerns this opinion, write it, go on to the signature. Opening the page never signs."""
    if answering.pending_changes(annex) and circuit.is_alive(annex):
        if request.method == "POST":
            return _go_on(request, annex, token)
        if "nouveau" not in request.GET:
            return redirect("signatory:confirm", token)
        return _page(request, annex, token)
    if not annex.is_asked:
        return _answered(request, annex, token)
    if not circuit.is_alive(annex):
        if request.method == "POST":
            _keep_where_asked_now(request, annex)
        return dead_link(request, annex)
    if request.method == "POST":
        return _go_on(request, annex, token)
    if request.method == "GET":
        annex = answering.note_opening(annex)
    return _page(request, annex, token)


def _answered(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    others = [other for other in circuit.awaited_from(annex) if other.is_asked] if circuit.is_alive(annex) else []
    return render(request, "signatory/answered.html", _context(annex, token) | {"others": others})


def _forms(annex: Annex, data=None) -> tuple[OpinionForm, SectionForm]:
    """The opinion, and the annex's own fields judged in the light of it; without data, as the draft left them."""
    section = annex.spec.form_section
    if data is None:
        return _unjudged(annex, annex.draft or (annex.sign_off and annex.sign_off.content.get("given")) or {})
    opinion = OpinionForm(data, text_label=annex.spec.text_label)
    own = SectionForm(section, data, check=False, prefix="annexe")
    given = {"opinion": data.get("opinion", "")}
    own.add_problems(problem for problem in section.clean(own.raw(), given).problems if problem.blocking)
    return opinion, own


def _unjudged(annex: Annex, known: Mapping[str, Any]) -> tuple[OpinionForm, SectionForm]:
    """The same forms with an answer in them that nobody has sent for good."""
    opinion = OpinionForm(initial=known, text_label=annex.spec.text_label)
    return opinion, SectionForm.from_raw(annex.spec.form_section, known.get("fields", {}), prefix="annexe")


def _keep(request: HttpRequest, annex: Annex) -> Annex:
    """Keep what the page posts, unless another page has kept another text since this one was made."""
    began_from, writer = request.POST.get("drafted"), request.POST.get("page", "")[:40]
    return answering.keep_draft(annex, _typed(annex, request.POST), began_from=began_from, writer=writer)


def _typed(annex: Annex, data) -> dict[str, Any]:
    """The draft, from what the page posts."""
    own = SectionForm(annex.spec.form_section, data, check=False, prefix="annexe").raw()
    typed = {"opinion": data.get("opinion", ""), "text": data.get("text", ""), "fields": own}
    return storable(typed)


def _context(annex: Annex, token: str) -> dict[str, Any]:
    application = annex.dossier.application
    return {
        "annex": annex,
        "spec": annex.spec,
        "offer": application.offer,
        "candidate": application.candidate,
        "closes_at": circuit.closes_at(annex),
        "is_alive": circuit.is_alive(annex),
        "token": token,
    }


def _page(request, annex: Annex, token: str, opinion: OpinionForm | None = None, own=None, **extra) -> HttpResponse:
    if opinion is None:
        opinion, own = _forms(annex)
    seen = seen_by_signatory(annex)
    context = _context(annex, token) | {
        "seen": seen,
        "seen_fingerprint": fingerprint(seen),
        "draft_fingerprint": fingerprint(annex.draft),
        "page_name": token_hex(16),
        "opinion_form": opinion,
        "own_form": own,
        "decline_form": DeclineForm(),
        "delegate_form": DelegateForm(),
        "question_form": QuestionForm(),
        "questions": annex.questions.filter(email=annex.signatory_email),
        "delegation": annex.former_links.filter(why="delegated").last(),
        "others": circuit.awaited_from(annex).exclude(pk=annex.pk).count(),
    }
    return render(request, "signatory/annex.html", context | extra)


def _go_on(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    """Keep what was typed, then the code and the signature, if nothing is missing."""
    refusals: tuple[str, ...] = ()
    opinion, own = _forms(annex, request.POST)
    try:
        annex = _keep(request, annex)
        if "later" in request.POST:
            messages.success(request, "Votre brouillon est gardé. Le même lien le retrouve, sur tout appareil.")
            return redirect("signatory:annex", token)
        if not (opinion.is_valid() & own.is_valid()):
            return _page(request, annex, token, opinion, own)
        if request.POST.get("seen") == fingerprint(seen_by_signatory(annex)):
            _send_code(request, annex)
            return redirect("signatory:sign", token)
        refusals = ("Le dossier a changé pendant votre lecture : relisez-le, puis signez.",)
    except answering.WrittenElsewhere as refusal:
        forms = _unjudged(annex, _typed(annex, request.POST))
        return _page(request, refusal.annex, token, *forms, elsewhere=_as_kept(refusal.annex))
    except TransitionRefused as refusal:
        refusals = refusal.reasons
    return _page(request, annex, token, opinion, own, refusals=refusals)


def _as_kept(annex: Annex) -> dict[str, Any]:
    """The draft as another page has left it, printable."""
    opinions = dict(Opinion.choices)
    return {
        "at": annex.drafted_at,
        "opinion": opinions.get(annex.draft.get("opinion"), ""),
        "text": annex.draft.get("text", ""),
        "entries": section_content(annex.spec.form_section, annex.draft.get("fields", {}))["entries"],
    }


def _keep_where_asked_now(request: HttpRequest, annex: Annex) -> bool:
    """Its dossier was replaced while the page was open: the text goes on to the new request, unless it has its own."""
    now = reopening.request_now(annex)
    if now and now.is_asked and now.draft in ({}, annex.draft):
        with suppress(TransitionRefused):
            answering.keep_draft(now, _typed(now, request.POST))
            return True
    return False


def _send_code(request: HttpRequest, annex: Annex, *, again: bool = False) -> None:
    if codes.current(annex) and not again:
        return  # come back to the page of a code that is still valid
    try:
        answering.ask_code(annex)
    except codes.CodeRefused as refusal:
        messages.error(request, str(refusal))


@by_link("GET", "POST")
def sign(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    """Read once more what will be signed, type the code, sign."""
    received_at = timezone.now()
    if not (answering.may_answer(annex) and annex.draft):
        return redirect("signatory:annex", token)
    opinion, own = _forms(annex, _posted(annex))
    if not (opinion.is_valid() & own.is_valid()):  # the draft was changed elsewhere since
        return redirect("signatory:annex", token)
    form = CodeForm(request.POST if "code" in request.POST else None)
    seen = seen_by_signatory(annex)
    shown = fingerprint([seen, annex.draft])
    refusals: tuple[str, ...] = ()
    if "again" in request.POST:
        _send_code(request, annex, again=True)
        return redirect("signatory:sign", token)
    if form.is_valid():
        try:
            if request.POST.get("shown") != shown:
                raise TransitionRefused("Le dossier ou votre avis a changé entre-temps : relisez ce qui suit.")
            act = answering.sign_with_code if annex.is_asked else answering.confirm_with_code
            act(annex, annex.draft, form.cleaned_data["code"], seen=fingerprint(seen), at=received_at)
            return redirect("signatory:annex", token)
        except (codes.CodeRefused, TransitionRefused) as refusal:
            if not answering.may_answer(Annex.objects.get(pk=annex.pk)):  # a double click: it is signed
                return redirect("signatory:annex", token)
            refusals = getattr(refusal, "reasons", ())
            if not refusals:
                form.add_error("code", str(refusal))
    context = _context(annex, token) | {
        "form": form,
        "seen": seen,
        "shown": shown,
        "answer": answer_content(annex, annex.draft),
        "code": codes.current(annex),
        "refusals": refusals,
    }
    return render(request, "signatory/sign.html", context)


@by_link("GET", "HEAD", "POST")
def confirm(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    """The dossier has changed since the signature: say that the opinion holds, or go and write another."""
    received_at = timezone.now()
    changed = answering.pending_changes(annex)
    if not (changed and circuit.is_alive(annex)):
        return redirect("signatory:annex", token)
    if "send" in request.POST:
        _send_code(request, annex, again=True)
        return redirect("signatory:confirm", token)
    form = CodeForm(request.POST if "code" in request.POST else None)
    seen = fingerprint(seen_by_signatory(annex))
    refusals: tuple[str, ...] = ()
    if form.is_valid():
        try:
            if request.POST.get("shown") != seen:
                raise TransitionRefused("Le dossier a encore changé entre-temps : relisez ce qui suit.")
            answering.confirm_with_code(annex, None, form.cleaned_data["code"], seen=seen, at=received_at)
            return redirect("signatory:annex", token)
        except codes.CodeRefused as refusal:
            form.add_error("code", str(refusal))
        except TransitionRefused as refusal:
            refusals = refusal.reasons
    context = _context(annex, token) | {
        "form": form,
        "changed": changed,
        "shown": seen,
        "code": codes.current(annex),
        "refusals": refusals,
    }
    return render(request, "signatory/confirm.html", context)


def _posted(annex: Annex):
    """The draft as the page would post it: judged by the same forms."""
    data = SectionForm.from_raw(annex.spec.form_section, annex.draft.get("fields", {}), prefix="annexe").data
    data.update({"opinion": annex.draft.get("opinion", ""), "text": annex.draft.get("text", "")})
    return data


@by_link("POST")
def draft(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    """What the page saves by itself while one types: the time of it, or 409 where it is too late."""
    try:
        if not answering.may_answer(annex):
            raise TransitionRefused("Cette demande n’attend plus de réponse.")
        annex = _keep(request, annex)
    except answering.WrittenElsewhere:
        told = "Un autre texte a été gardé depuis un autre appareil : « Garder le brouillon » vous montrera les deux."
        return JsonResponse({"told": told}, status=409)
    except (TransitionRefused, ObjectDoesNotExist):
        elsewhere = annex.is_asked and not circuit.is_alive(annex) and _keep_where_asked_now(request, annex)
        told = "Votre texte est gardé : rechargez la page." if elsewhere else "Brouillon non gardé : rechargez la page."
        return JsonResponse({"told": told}, status=409)
    at = date_format(timezone.localtime(annex.drafted_at), r"G \h i")
    return JsonResponse({"told": f"Brouillon gardé à {at}."})


def _act(request, annex: Annex, token: str, name: str, form, act) -> HttpResponse:
    """One of the other things to do with a request: its form is judged, its refusal told on the page."""
    if not (annex.is_asked and circuit.is_alive(annex)):
        return redirect("signatory:annex", token)
    if not form.is_valid():
        return _page(request, annex, token, **{name: form})
    try:
        done = act(form.cleaned_data)
    except TransitionRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
    return redirect("signatory:annex", token)


@by_link("POST")
def decline(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    at = timezone.now()

    def act(data):
        answering.decline(annex, data["reason"], at=at)
        return "Votre réponse est transmise."

    return _act(request, annex, token, "decline_form", DeclineForm(request.POST), act)


@by_link("POST")
def delegate(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    at = timezone.now()
    form = DelegateForm(
        request.POST,
        instance=Annex(dossier=annex.dossier, key=annex.key),
        candidate_email=annex.dossier.owner.email,
        present_email=annex.signatory_email,
    )

    def act(data):
        answering.hand_over(annex, {name: data[name] for name in circuit.SIGNATORY_FIELDS}, at=at)
        return "La demande est confiée."

    return _act(request, annex, token, "delegate_form", form, act)


@by_link("POST")
def ask(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    def act(data):
        answering.ask_question(annex, data["question"])
        return "Votre question est envoyée. La réponse vous parviendra par courriel."

    return _act(request, annex, token, "question_form", QuestionForm(request.POST), act)


@by_link("GET", "HEAD")
def requests(request: HttpRequest, annex: Annex, token: str) -> HttpResponse:
    """All that this person is asked in this dossier; each request keeps its own link."""
    if not circuit.is_alive(annex):
        return dead_link(request, annex)
    asked = [(one, signing.link_secret(one)) for one in circuit.awaited_from(annex)]
    return render(request, "signatory/requests.html", _context(annex, token) | {"asked": asked})
