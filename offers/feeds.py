"""Searches that programs follow: Atom, a calendar of deadlines, open data as CSV; and what search engines ask for."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.xmlutils import SimplerXMLGenerator
from django.views.decorators.http import condition, require_safe

from offers.filters import Criteria, printable
from offers.index import revision
from offers.models import Offer
from offers.page_cache import is_usual, kept
from offers.published import absolute, rows
from offers.search import EVERYTHING, Found
from portal.ical import escaped, utc, written
from portal.pace import client_address, too_fast

MOST_ENTRIES = 100
MOST_EVENTS = 1000
CHUNK = 200
SHORT = EVERYTHING.defer("body", "details", "parameters")
ONE_LINE = EVERYTHING.defer("body")
PAGES = ["home", "offers:list", "pages:help", "pages:legal", "pages:privacy", "pages:accessibility"]
PRIVATE = ["/gestion/", "/candidatures/", "/commission/", "/avis/", "/alertes/", "/compte/"]


def search_address(request: HttpRequest, **_) -> str | None:
    criteria = Criteria.read(request.GET)
    return f"{request.path}?{criteria.query}" if is_usual(criteria) else None


def _title(criteria: Criteria) -> str:
    return f"Offres : {criteria.words}" if criteria.words else "Offres de santé-justice"


@require_safe
@kept(search_address)
def atom(request: HttpRequest) -> HttpResponse:
    """The offers of a search, the latest first."""
    criteria = Criteria.read(request.GET)
    query = f"?{criteria.query}" if criteria.query else ""
    feed = Atom1Feed(
        title=f"{_title(criteria)} – {settings.SITE_NAME}",
        link=absolute(reverse("offers:list") + query),
        feed_url=absolute(request.path + query),
        description="",
        language="fr",
    )
    for offer in Found(criteria.sorted_by("recentes")).offers(0, MOST_ENTRIES, SHORT):
        feed.add_item(
            title=printable(offer.title),
            link=absolute(offer.get_absolute_url()),
            description=printable(offer.summary),
            author_name=printable(offer.institution.name),
            categories=[offer.kind_definition.label],
            pubdate=offer.published_at,
            updateddate=offer.updated_at,
        )
    return HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


@require_safe
@kept(search_address)
def calendar(request: HttpRequest) -> HttpResponse:
    """The deadlines of the open offers of a search, for the calendar that one already uses (RFC 5545)."""
    criteria = Criteria.read(request.GET)
    offers = Found(criteria.sorted_by("echeance")).offers(0, MOST_EVENTS, SHORT)  # those without a deadline come last
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Portail Santé-Justice//Offres//FR", "CALSCALE:GREGORIAN"]
    lines.append("X-WR-CALNAME:" + escaped("Dates limites – " + _title(criteria)))
    for offer in (offer for offer in offers if offer.deadline):
        lines += [
            "BEGIN:VEVENT",
            f"UID:offre-{offer.pk}@{settings.SITE_URL.split('//')[-1]}",
            f"DTSTAMP:{utc(offer.updated_at)}",
            f"DTSTART:{utc(offer.deadline)}",
            "SUMMARY:" + escaped(f"Date limite : {offer.title}"),
            "DESCRIPTION:" + escaped(f"{offer.summary}\n{offer.institution.name}"),
            "URL:" + absolute(offer.get_absolute_url()),
            "TRANSP:TRANSPARENT",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    headers = {"Content-Disposition": 'attachment; filename="dates-limites.ics"'}
    return HttpResponse(written(lines), content_type="text/calendar; charset=utf-8", headers=headers)


def _revision_tag(request: HttpRequest) -> str | None:
    """The export follows the offers alone, and the minute for the deadlines that pass."""
    minute = datetime.now(UTC).strftime("%Y%m%d%H%M")
    return f'"{revision()}-{minute}"'


@require_safe
@condition(etag_func=_revision_tag)
def spreadsheet(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """The offers of a search as open data: one line each, sent as they are read."""
    if too_fast("offers-csv", client_address(request), settings.EXPORTS_A_MINUTE):
        told = "Trop de demandes : patientez une minute."
        return HttpResponse(told, status=429, content_type="text/plain; charset=utf-8", headers={"Retry-After": "60"})
    found = Found(Criteria.read(request.GET))
    ids = found.ids()
    offers = chain.from_iterable(found.read(ids[at : at + CHUNK], ONE_LINE) for at in range(0, len(ids), CHUNK))
    headers = {"Content-Disposition": 'attachment; filename="offres.csv"'}
    return StreamingHttpResponse(_csv(rows(offers)), content_type="text/csv; charset=utf-8", headers=headers)


def _csv(lines: Iterable[list[str]]) -> Iterator[str]:
    yield "\ufeff"
    for line in lines:
        out = io.StringIO()
        csv.writer(out, delimiter=";").writerow(line)
        yield out.getvalue()


@require_safe
@kept(lambda request: request.path)
def sitemap(request: HttpRequest) -> HttpResponse:
    out = io.StringIO()
    xml = SimplerXMLGenerator(out, "utf-8")
    xml.startDocument()
    xml.startElement("urlset", {"xmlns": "http://www.sitemaps.org/schemas/sitemap/0.9"})
    changes = Offer.objects.open().order_by("pk").values_list("slug", "updated_at")[:49_000]
    pages = [(reverse(name), None) for name in PAGES]
    for path, changed in [*pages, *((reverse("offers:detail", args=[slug]), at) for slug, at in changes)]:
        xml.startElement("url", {})
        xml.addQuickElement("loc", absolute(path))
        if changed:
            xml.addQuickElement("lastmod", changed.isoformat(timespec="seconds"))
        xml.endElement("url")
    xml.endElement("urlset")
    return HttpResponse(out.getvalue(), content_type="application/xml; charset=utf-8")


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in PRIVATE), "", f"Sitemap: {absolute('/sitemap.xml')}"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
