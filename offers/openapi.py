"""What the API of offers asks for and answers, for programs: OpenAPI 3.1, from the facets and the fields themselves."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from offers.api import MOST_PER_PAGE, answer
from offers.filters import FACETS, SORTS, department_labels

SLUG = "^[-a-zA-Z0-9_]+$"
OFFER = {"$ref": "#/components/schemas/Offre"}
_TEXT, _CODED = (
    {"type": "string"},
    {
        "type": ["object", "null"],
        "properties": {"code": {"type": "string"}, "libelle": {"type": "string"}},
    },
)
_MOMENT = {"type": ["string", "null"], "format": "date-time"}
OFFER_SCHEMA = {
    "type": "object",
    "required": ["reference", "adresse", "type", "intitule", "ouverte", "rubriques"],
    "properties": {
        **dict.fromkeys(
            ("reference", "adresse", "intitule", "resume", "texte", "organisme", "specialite", "lieu", "contrat"), _TEXT
        ),
        **dict.fromkeys(("type", "region", "departement"), _CODED),
        **dict.fromkeys(("publiee_le", "modifiee_le", "date_limite", "date_limite_signatures"), _MOMENT),
        "ouverte": {"type": "boolean"},
        "temps_plein": {"type": ["boolean", "null"]},
        "teletravail": {"type": ["string", "null"]},
        "conditions": {"type": "array", "items": _TEXT},
        "dossier": {
            "type": "object",
            "properties": {
                **{name: {"type": "array", "items": _TEXT} for name in ("parties", "pieces")},
                "annexes": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": dict.fromkeys(("numero", "titre", "signataire"), _TEXT),
                    },
                },
            },
        },
        "service": {"type": "object", "properties": dict.fromkeys(("nom", "adresse", "courriel", "telephone"), _TEXT)},
        "rubriques": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "titre": _TEXT,
                    "champs": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["nom", "libelle", "valeur"],
                            "properties": {
                                **dict.fromkeys(("nom", "libelle", "valeur"), _TEXT),
                                "colonnes": {"type": "array", "items": _TEXT},
                                "lignes": {"type": "array", "items": {"type": "array", "items": _TEXT}},
                            },
                        },
                    },
                },
            },
        },
    },
}
PAGE_SCHEMA = {
    "type": "object",
    "required": ["total", "page", "pages", "suivante", "precedente", "ignores", "facettes", "offres"],
    "properties": {
        **{name: {"type": "integer"} for name in ("total", "page", "pages")},
        **{name: {"type": ["string", "null"], "format": "uri"} for name in ("suivante", "precedente")},
        "ignores": {
            "type": "array",
            "description": "Ce que l’adresse demande et que la recherche ne connaît pas : elle est faite sans.",
            "items": {
                "type": "object",
                "required": ["parametre", "valeur"],
                "properties": dict.fromkeys(("parametre", "valeur"), _TEXT),
            },
        },
        "facettes": {
            "type": "object",
            "additionalProperties": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["valeur", "libelle", "offres"],
                    "properties": {"valeur": _TEXT, "libelle": _TEXT, "offres": {"type": "integer"}},
                },
            },
        },
        "offres": {"type": "array", "items": OFFER},
    },
}


@require_safe
def description(request: HttpRequest) -> JsonResponse:
    slug = {"name": "slug", "in": "path", "required": True, "schema": {"type": "string", "pattern": SLUG}}
    return answer(
        {
            "openapi": "3.1.0",
            "info": {"title": f"Offres – {settings.SITE_NAME}", "version": "1", "description": "En lecture seule."},
            "servers": [{"url": settings.SITE_URL}],
            "paths": {
                reverse("machines:api"): {
                    "get": _operation("Les offres d’une recherche", PAGE_SCHEMA) | {"parameters": _parameters()}
                },
                reverse("machines:api") + "{slug}/": {
                    "get": _operation("Une offre", OFFER, missing=True) | {"parameters": [slug]}
                },
            },
            "components": {"schemas": {"Offre": OFFER_SCHEMA}},
        }
    )


def _parameters() -> list[dict]:
    near = {"type": "string", "enum": sorted(department_labels())}
    parameters = [
        _parameter("q", "Mots recherchés, entre guillemets pour une expression exacte."),
        _parameter("pres", "Près de ce département : lui, ses voisins, sa région.", near),
    ]
    for facet in FACETS:
        values = sorted(facet.labels()) if facet.labels else []
        items = {"type": "string"} | ({"enum": values} if values else {})
        parameters.append(_parameter(facet.name, facet.title, {"type": "array", "items": items}))
    parameters += [
        _parameter("closes", "Avec les offres closes.", {"type": "string", "enum": ["on"]}),
        _parameter("tri", "Ordre.", {"type": "string", "enum": list(SORTS)}),
        _parameter("page", "Numéro de page.", {"type": "integer", "minimum": 1}),
        _parameter("par_page", "Offres par page.", {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE}),
    ]
    return parameters


def _parameter(name: str, text: str, schema: dict | None = None) -> dict:
    return {"name": name, "in": "query", "description": text, "schema": schema or {"type": "string"}}


def _operation(summary: str, schema: dict, *, missing: bool = False) -> dict:
    responses = {
        "200": {"description": summary, "content": {"application/json": {"schema": schema}}},
        "304": {"description": "Inchangé depuis l’ETag envoyé dans If-None-Match."},
    }
    if missing:
        error = {"type": "object", "required": ["erreur"], "properties": {"erreur": _TEXT}}
        responses["404"] = {
            "description": "Aucune offre publiée à cette adresse.",
            "content": {"application/json": {"schema": error}},
        }
    return {"summary": summary, "responses": responses}
