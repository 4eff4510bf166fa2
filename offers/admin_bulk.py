"""Many offers at once in the admin: moved together, exported to a spreadsheet, brought back from it."""

from __future__ import annotations

import base64
import binascii

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse

from offers import workbook
from offers.admin_forms import move_form
from offers.lifecycle import WORKFLOW
from offers.news import tell
from portal.workflow import TransitionRefused

MOVES = ("publish", "schedule", "extend", "pause", "resume", "close", "archive")
MOST_MOVED = 200
MOVE = "move_"


def move_selected(model_admin, request: HttpRequest, queryset):
    """Each offer through its life cycle, on its own: one that is refused stops no other, and says why."""
    move = WORKFLOW.transitions[request.POST["action"].removeprefix(MOVE)]
    offers = list(queryset.order_by("title", "pk")[: MOST_MOVED + 1])
    if len(offers) > MOST_MOVED:
        messages.error(request, f"Choisissez {MOST_MOVED} offres au plus à la fois.")
        return None
    confirmed = "confirmed" in request.POST
    form = move_form(move, request.POST if confirmed else None)
    context = model_admin.admin_site.each_context(request) | {
        "title": f"{move.label} : {len(offers)} offre{'s' if len(offers) > 1 else ''}",
        "move": move,
        "tells": move.effect is tell,
        "opts": model_admin.opts,
    }
    if confirmed and form.is_valid():
        results = [(offer, _moved(offer, move.name, request.user, form.cleaned_data)) for offer in offers]
        return render(request, "admin/offers/offer/bulk_done.html", context | {"results": results})
    selected = request.POST.getlist(ACTION_CHECKBOX_NAME)
    return render(
        request,
        "admin/offers/offer/bulk.html",
        context
        | {"form": form, "offers": offers, "action": request.POST["action"], "selected": selected}
        | {"across": request.POST.get("select_across", "0")},
    )


def _moved(offer, name: str, user, data: dict) -> tuple[str, ...]:
    """Why it is refused; empty where it is done."""
    try:
        WORKFLOW.run(offer, name, actor=user, **data)
    except TransitionRefused as refusal:
        return refusal.reasons
    return ()


def export_selected(model_admin, request: HttpRequest, queryset) -> HttpResponse:
    offers = queryset.select_related("institution").defer(None).order_by("title", "pk")
    headers = {"Content-Disposition": 'attachment; filename="offres.xlsx"'}
    return HttpResponse(workbook.export(offers), content_type=workbook.TYPE, headers=headers)


class WorkbookForm(forms.Form):
    """A workbook, sent; then the same one, carried along, with what it was seen to do."""

    file = forms.FileField(label="Classeur XLSX", required=False, widget=forms.FileInput(attrs={"accept": ".xlsx"}))
    content = forms.CharField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean(self):
        cleaned = super().clean()
        if file := cleaned.get("file"):
            self.source = file.name
            self.workbook = file.read(workbook.MOST_BYTES + 1)
        elif cleaned.get("content"):
            self.source = cleaned.get("name") or "classeur.xlsx"
            try:
                self.workbook = base64.b64decode(cleaned["content"], validate=True)
            except binascii.Error as error:
                raise forms.ValidationError(workbook.NOT_A_WORKBOOK) from error
        elif not self.errors:
            self.add_error("file", "Choisissez un classeur.")
        return cleaned


class ManyOffers:
    """What an admin of offers has for many of them."""

    def get_actions(self, request):
        moves = {MOVE + name: (move_selected, MOVE + name, WORKFLOW.transitions[name].label) for name in MOVES}
        return moves | {"export": (export_selected, "export", "Exporter en XLSX")}

    def get_urls(self):
        own = self.admin_site.admin_view
        return [path("tableur/", own(self.workbook_page), name="offers_offer_workbook"), *super().get_urls()]

    def workbook_page(self, request):
        """A workbook is sent; what it would do is shown; confirmed, it is done."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = WorkbookForm(request.POST or None, request.FILES or None)
        context = self.admin_site.each_context(request) | {
            "title": "Importer un classeur", "opts": self.opts, "form": form,
        }  # fmt: skip
        if request.method == "POST" and form.is_valid():
            try:
                told = workbook.plan(form.workbook, request.user)
            except workbook.NotAWorkbookError as error:
                form.add_error("file", str(error))
                return render(request, "admin/offers/offer/workbook.html", context)
            seen = form.cleaned_data["seen"]
            if seen == told.fingerprint and self._carry_out(request, told, form.source):
                return redirect(reverse("admin:offers_offer_changelist"))
            context |= {
                "plan": told,
                "changed": bool(seen),
                "carried": base64.b64encode(form.workbook).decode(),
                "source": form.source,
            }
        return render(request, "admin/offers/offer/workbook.html", context)

    def _carry_out(self, request, told: workbook.Plan, source: str) -> bool:
        try:
            workbook.carry_out(told, request.user, source)
        except ValueError:
            return False
        new = sum(change.is_new for change in told.effective)
        done = [
            (new, "brouillon créé", "brouillons créés"),
            (len(told.effective) - new, "offre modifiée", "offres modifiées"),
        ]
        said = [f"{count} {many if count > 1 else one}" for count, one, many in done if count]
        messages.success(request, f"Import fait : {', '.join(said)}.")
        return True
