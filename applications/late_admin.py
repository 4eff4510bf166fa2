"""HR's page « Qui est en retard » over a whole campaign: filters, exports, and one button that chases."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.formats import date_format
from openpyxl import Workbook

from applications import late
from offers.published import harmless
from portal.calendar import leaves_at
from portal.workflow import TransitionRefused

PER_PAGE = 50
HEADER = [
    "Personne candidate",
    "Adresse",
    "Commencé le",
    "Dernier enregistrement",
    "Éléments prêts",
    "Éléments demandés",
    "À compléter par la personne candidate",
    "Annexe",
    "Signataire",
    "Adresse du signataire",
    "État",
    "Demandé le",
    "Page ouverte le",
    "Dernière relance",
]


class LateFilter(forms.Form):
    voir = forms.ChoiceField(choices=list(late.FILTERS.items()), required=False, label="Voir")
    nom = forms.CharField(required=False, max_length=100, label="Nom ou adresse")

    @property
    def chosen(self) -> tuple[str, str]:
        """A filter that does not exist is none."""
        data = self.cleaned_data if self.is_valid() else {}
        return data.get("voir", ""), data.get("nom", "")


class LatePages:
    """A part of the admin of applications. `_offer` gives the offer that this agent manages, or 404."""

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("retard/<int:offer_pk>/", view(self.late), name="applications_late"),
            path("retard/<int:offer_pk>/relancer/", view(self.chase), name="applications_late_chase"),
            path("retard/<int:offer_pk>/export/<slug:form>/", view(self.late_export), name="applications_late_export"),
            *super().get_urls(),
        ]

    def late(self, request: HttpRequest, offer_pk: int) -> HttpResponse:
        offer = self._offer(request, offer_pk)
        form = LateFilter(request.GET)
        page = Paginator(late.drafts(offer, *form.chosen), PER_PAGE).get_page(request.GET.get("page"))
        query = request.GET.copy()
        query.pop("page", None)
        context = self.admin_site.each_context(request) | {
            "title": f"Qui est en retard : {offer.title}",
            "offer": offer,
            "form": form,
            "page": page,
            "lines": late.lines(page),
            "query": query.urlencode(),
            "opts": self.opts,
        }
        return render(request, "admin/applications/late.html", context)

    def late_export(self, request: HttpRequest, offer_pk: int, form: str) -> HttpResponse:
        offer = self._offer(request, offer_pk)
        if form not in {"csv", "xlsx"}:
            raise Http404
        rows = _rows(late.all_lines(offer, *LateFilter(request.GET).chosen))
        name = f'attachment; filename="retards-{offer.slug}.{form}"'
        if form == "csv":
            return StreamingHttpResponse(
                _csv(rows), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": name}
            )
        return HttpResponse(_workbook(rows), content_type=XLSX, headers={"Content-Disposition": name})

    def chase(self, request: HttpRequest, offer_pk: int) -> HttpResponse:
        """First how many mails would leave, then the button."""
        offer = self._offer(request, offer_pk)
        now = timezone.now()
        leaves = leaves_at(now, late.loud_from(offer))
        waits = "" if leaves == now else date_format(timezone.localtime(leaves), r"l j F Y à G \h i")
        if request.method == "POST":
            try:
                sent = late.chase(offer)
            except TransitionRefused as refusal:
                messages.error(request, str(refusal))
            else:
                told = f"Relance : {sent.count} message(s), dont {len(sent.signatories)} à des signataires."
                told += f" Départ {waits}." if waits and sent.count else ""
                self.log_change(request, offer, told)
                messages.success(request, told)
            return redirect("admin:applications_late", offer_pk)
        context = self.admin_site.each_context(request) | {
            "title": f"Relancer : {offer.title}",
            "offer": offer,
            "due": late.due(offer),
            "is_open": offer.is_open(),
            "waits": waits,
            "opts": self.opts,
        }
        return render(request, "admin/applications/late_chase.html", context)


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _moment(value: datetime | None) -> str:
    return date_format(timezone.localtime(value), "d/m/Y H:i") if value else ""


def _rows(lines: Iterable[late.Line]) -> Iterator[list[str | int]]:
    """One row for each signature that is missing, or for the dossier alone where none is."""
    yield HEADER
    for line in lines:
        candidate, state = line.application.candidate, line.state
        own = [step.spec.title for step in state.missing_sections] + [step.spec.label for step in state.missing_pieces]
        start = [
            harmless(candidate.get_full_name()),
            harmless(candidate.email),
            _moment(line.application.created_at),
            _moment(line.active_at),
            state.done,
            state.total,
            " ; ".join(own),
        ]
        for asked in line.asked:
            yield start + _asked(asked)
        if not line.asked:
            yield [*start, "", "", "", "", "", "", _moment(line.chased_at)]


def _asked(asked: late.Asked) -> list[str]:
    annex = asked.annex
    title = f"{asked.step.spec.number} – {asked.step.spec.title}"
    if annex is None:
        return [title, "", "", "Signataire à désigner", "", "", ""]
    return [
        title,
        harmless(annex.signatory_name),
        harmless(annex.signatory_email),
        asked.state,
        _moment(annex.sent_at),
        _moment(annex.opened_at),
        _moment(asked.chased_at),
    ]


def _csv(rows: Iterable[list]) -> Iterator[str]:
    yield "\ufeff"  # for spreadsheets, which else read the accents wrong
    for row in rows:
        out = io.StringIO()
        csv.writer(out, delimiter=";").writerow(row)
        yield out.getvalue()


def _workbook(rows: Iterable[list]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Retards")
    sheet.freeze_panes = "A2"
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
