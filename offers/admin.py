"""HR's desk: create, preview, publish, extend and close the offers of one's institutions."""

from __future__ import annotations

import json

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse

from dossiers.content import moment
from offers import lifecycle, news, publication, views
from offers.admin_alerts import AlertAdmin  # noqa: F401 (registers the alerts)
from offers.admin_bulk import ManyOffers
from offers.admin_forms import CampaignForm, ImportForm, OfferForm, form_for, move_form, own_sections, proposed
from offers.admin_lists import DeadlineFilter, KindFilter, RegionFilter, StateFilter, searched
from offers.history import changes, deleted, recorded
from offers.kinds import all_kinds, get_kind
from offers.models import Offer
from offers.sheets import service_of
from portal.accounts.models import Institution
from portal.workflow import TransitionRefused

COMMON_FIELDSETS = [
    (None, {"fields": ["institution", "title", "reference", "slug", "summary", "body"]}),
    (
        "Lieu et contrat",
        {"fields": ["specialty", "region", "department", "location", "contract", "full_time", "telework"]},
    ),
    ("Calendrier", {"fields": ["deadline", "signatures_until"]}),
    (
        "Service chargé des dossiers",
        {
            "fields": ["service_name", "service_address", "service_email", "service_phone", "legal_mentions"],
            "description": "Ces mentions figurent sur l’accusé de réception (CRPA, art. R. 112-11-1).",
        },
    ),
]


class HrAdmin(admin.ModelAdmin):
    """What agents of HR may do, decided by their memberships rather than by Django's permissions."""

    view_on_site = False

    def _institution_of(self, obj) -> int:
        return obj.institution_id

    def has_module_permission(self, request):
        user = request.user
        return user.is_active and (user.is_superuser or bool(user.is_authenticated and user.hr_institution_ids))

    def has_view_permission(self, request, obj=None):
        if obj is None:
            return self.has_module_permission(request)
        return request.user.is_hr_of(self._institution_of(obj))

    has_change_permission = has_view_permission

    def has_add_permission(self, request):
        return self.has_module_permission(request)

    def get_inline_formsets(self, *args, **kwargs):
        """Django would say « Ajouter un objet Membre supplémentaire »."""
        found = super().get_inline_formsets(*args, **kwargs)
        for rows in found:
            data = json.loads(rows.inline_formset_data())
            data["options"]["addText"] = "Ajouter une ligne"
            rows.inline_formset_data = json.dumps(data)
        return found


@admin.register(Offer)
class OfferAdmin(ManyOffers, HrAdmin):
    list_display = ["title", "kind_label", "institution", "state_label", "deadline", "published_at"]
    list_filter = [
        StateFilter,
        KindFilter,
        DeadlineFilter,
        RegionFilter,
        ("institution", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["institution"]
    search_fields = ["title"]  # offers.admin_lists.searched
    prepopulated_fields = {"slug": ["title"]}
    ordering = ["-created_at", "-pk"]
    change_form_template = "admin/offers/offer/change_form.html"
    change_list_template = "admin/offers/offer/change_list.html"

    @admin.display(description="état", ordering="state")
    def state_label(self, offer: Offer) -> str:
        return offer.state_label

    @admin.display(description="type", ordering="kind")
    def kind_label(self, offer: Offer) -> str:
        return offer.kind_definition.short_label

    def get_search_results(self, request, queryset, search_term):
        return searched(queryset, search_term), False

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, (extra_context or {}) | {"title": "Offres"})

    def view_on_site(self, obj: Offer) -> str:
        return obj.get_absolute_url() if obj.is_public else reverse("admin:offers_offer_preview", args=[obj.pk])

    def get_queryset(self, request):
        return super().get_queryset(request).managed_by(request.user).defer("body", "details", "parameters", "search")

    def get_object(self, request, object_id, from_field=None):
        return Offer.objects.managed_by(request.user).filter(pk=_integer(object_id)).first()

    def has_delete_permission(self, request, obj=None):
        """A draft may go; what was published stays, closed."""
        return obj is not None and obj.state == Offer.State.DRAFT and request.user.is_hr_of(obj.institution_id)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "institution" and not request.user.is_superuser:
            institutions = db_field.remote_field.model.objects
            kwargs["queryset"] = institutions.filter(pk__in=request.user.hr_institution_ids)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    # One form per kind

    def _kind(self, request: HttpRequest, obj: Offer | None):
        slug = obj.kind if obj else request.GET.get("kind", "")
        try:
            return get_kind(slug)
        except KeyError as error:
            raise Http404 from error

    def get_fieldsets(self, request, obj=None):
        own = [
            (title, {"fields": [prefix + spec.name for spec in section.fields], "description": section.intro})
            for prefix, section, title in own_sections(self._kind(request, obj))
        ]
        return COMMON_FIELDSETS + own

    def get_form(self, request, obj=None, change=False, **kwargs):
        return super().get_form(request, obj, change=change, form=form_for(self._kind(request, obj).slug), **kwargs)

    def get_changeform_initial_data(self, request):
        """What the kind says already, and the institution, where one has no other."""
        user, initial = request.user, {"summary": self._kind(request, None).summary}
        institutions = list(Institution.objects.filter(pk__in=user.hr_institution_ids)[:2])
        if len(institutions) == 1 and not user.is_superuser:
            [institution] = institutions
            initial |= {"institution": institution, **service_of(institution)}
        return initial | super().get_changeform_initial_data(request)

    def get_prepopulated_fields(self, request, obj=None):
        return {} if obj else self.prepopulated_fields

    def get_readonly_fields(self, request, obj=None):
        """A deadline already published moves by an extension, with its reason; the address of a page stays."""
        settled = obj is not None and obj.state != Offer.State.DRAFT
        return ["institution", "reference", "slug", "deadline", "signatures_until"] if settled else []

    def add_view(self, request, form_url="", extra_context=None):
        if not self.has_add_permission(request):
            raise PermissionDenied
        if "kind" not in request.GET:
            context = self.admin_site.each_context(request) | {"title": "Nouvelle offre", "kinds": all_kinds()}
            return render(request, "admin/offers/offer/choose_kind.html", context)
        kind = self._kind(request, None)
        own = {"kind_slug": kind.slug, "title": f"Nouvelle offre : {kind.short_label}"}
        return super().add_view(request, form_url, (extra_context or {}) | own)

    def delete_model(self, request, obj):
        with recorded(request.user, "Brouillon supprimé."):
            super().delete_model(request, obj)

    def save_model(self, request, obj, form, change):
        """Only the form's own columns: a publication or an extension made meanwhile is not undone."""
        with recorded(request.user, ""):
            self._save(request, obj, form, change)

    def _save(self, request, obj, form, change):
        if change:
            readonly = set(self.get_readonly_fields(request, obj))
            columns = [name for name in OfferForm.Meta.fields if name not in readonly]
            obj.save(update_fields=[*columns, "details", "parameters", "updated_at"])
        else:
            obj.kind = self._kind(request, None).slug
            super().save_model(request, obj, form, change)

    # Moves

    def change_view(self, request, object_id, form_url="", extra_context=None):
        offer = self.get_object(request, object_id)
        own = {}
        if offer:
            own = {
                "title": "Gérer l’offre",
                "show_save_and_add_another": False,
                "moves": lifecycle.WORKFLOW.available(offer, request.user),
                "to_complete": list(publication.missing(offer)) if offer.state == Offer.State.DRAFT else [],
                "to_check": list(publication.doubtful(offer)) if offer.state == Offer.State.DRAFT else [],
                "transitions": offer.transitions.select_related("actor"),
            }
        return super().change_view(request, object_id, form_url, (extra_context or {}) | own)

    def get_urls(self):
        return [
            path("apercu/", self.admin_site.admin_view(self.preview_new), name="offers_offer_preview_new"),
            path("supprimes/", self.admin_site.admin_view(self.deleted_page), name="offers_offer_deleted"),
            path("importer/", self.admin_site.admin_view(self.import_page), name="offers_offer_import"),
            path("<int:pk>/apercu/", self.admin_site.admin_view(self.preview), name="offers_offer_preview"),
            path("<int:pk>/reprendre/", self.admin_site.admin_view(self.resume), name="offers_offer_resume"),
            path("<int:pk>/mouvement/<slug:name>/", self.admin_site.admin_view(self.move), name="offers_offer_move"),
            *super().get_urls(),
        ]

    def _managed(self, request, pk: int) -> Offer:
        return get_object_or_404(Offer.objects.managed_by(request.user).select_related("institution"), pk=pk)

    def import_page(self, request):
        """A page of Choisir le service public becomes a draft; what was not recognised is shown, and kept."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ImportForm(request.user, request.POST or None, request.FILES or None)
        context = self.admin_site.each_context(request) | {"title": "Importer une offre", "opts": self.opts}
        if request.method == "POST" and form.is_valid():
            told = "Importée de Choisir le service public."
            if form.found.unrecognised:
                told += " Non reconnu : " + " | ".join(form.found.unrecognised)
            with transaction.atomic(), recorded(request.user, told):
                offer = form.save()
                self.log_addition(request, offer, told)
            return render(request, "admin/offers/offer/imported.html", context | {"offer": offer, "found": form.found})
        return render(request, "admin/offers/offer/import.html", context | {"form": form})

    def preview(self, request, pk: int):
        """The page exactly as the public will see it; posted, with what is typed and not saved yet."""
        offer = self._managed(request, pk)
        if request.method == "POST":
            self._take_what_is_typed(request, offer)
        return render(request, "offers/detail.html", _as_published(offer))

    def preview_new(self, request):
        """The same for an offer that is not saved yet."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        offer = Offer(kind=self._kind(request, None).slug)
        self._take_what_is_typed(request, offer)
        if offer.institution_id is None:
            offer.institution = Institution(name="(organisme à choisir)")
        offer.slug = offer.slug or "apercu"
        return render(request, "offers/detail.html", _as_published(offer))

    def _take_what_is_typed(self, request, offer: Offer) -> None:
        """What is valid of the form becomes the offer's, in memory alone."""
        form_class = self.get_form(request, offer if offer.pk else None, change=bool(offer.pk))
        form_class(request.POST, instance=offer).is_valid()
        vars(offer).pop("presentation", None)

    def history_view(self, request, object_id, extra_context=None):
        """Every change, by whatever way it came: before, after, who, when, why."""
        offer = self.get_object(request, object_id)
        if offer is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        page = Paginator(changes(offer), 50).get_page(request.GET.get("p"))
        context = self.admin_site.each_context(request) | {
            "title": f"Historique : {offer.title}",
            "offer": offer,
            "page": page,
            "opts": self.opts,
        }
        return render(request, "admin/offers/offer/history.html", context)

    def deleted_page(self, request):
        """The drafts that are no more: which, when, by whom."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        drafts = deleted(None if request.user.is_superuser else request.user.hr_institution_ids)
        context = self.admin_site.each_context(request) | {
            "title": "Brouillons supprimés",
            "page": Paginator(drafts, 50).get_page(request.GET.get("p")),
            "opts": self.opts,
        }
        return render(request, "admin/offers/offer/deleted.html", context)

    def resume(self, request, pk: int):
        """The next campaign begins with this one's texts, its dates moved."""
        offer = self._managed(request, pk)
        form = CampaignForm(offer, request.POST or None)
        if request.method == "POST" and form.is_valid():
            told = f"Reprise de l’offre {offer.reference}."
            with transaction.atomic(), recorded(request.user, told):
                draft = form.save()
                self.log_addition(request, draft, told)
            messages.success(
                request,
                "Voici le brouillon de la nouvelle campagne, avec ses règles de rappel et ses textes de courriels. "
                "Relisez les dates écrites en lettres.",
            )
            return redirect(reverse("admin:offers_offer_change", args=[draft.pk]))
        context = self.admin_site.each_context(request) | {
            "title": f"Reprendre la campagne : {offer.title}",
            "offer": offer,
            "form": form,
            "opts": self.opts,
        }
        return render(request, "admin/offers/offer/resume.html", context)

    def move(self, request, pk: int, name: str):
        offer = self._managed(request, pk)
        moves = {move.name: move for move in lifecycle.WORKFLOW.available(offer, request.user)}
        if name not in moves:
            raise Http404
        form = move_form(moves[name], request.POST or None, initial=proposed(moves[name], offer))
        if request.method == "POST" and form.is_valid():
            try:
                lifecycle.WORKFLOW.run(offer, name, actor=request.user, **form.cleaned_data)
                deadline = form.cleaned_data.get("deadline")
                told = f" La date limite est maintenant le {moment(deadline)}." if deadline else ""
                messages.success(request, f"« {moves[name].label} » : c’est fait.{told}")
                return redirect(reverse("admin:offers_offer_change", args=[pk]))
            except TransitionRefused as refusal:
                for reason in refusal.reasons:
                    form.add_error(None, reason)
        context = self.admin_site.each_context(request) | {
            "title": f"{moves[name].label} : {offer.title}",
            "offer": offer,
            "form": form,
            "move": moves[name],
            "tells": moves[name].effect is news.tell,
            "opts": self.opts,
        }
        return render(request, "admin/offers/offer/move.html", context)


def _as_published(offer: Offer) -> dict:
    """What its page will show: one that waits to be published takes applications then."""
    is_open = offer.is_open() or offer.state == Offer.State.DRAFT or offer.is_scheduled
    return views.presentation(offer) | {"preview": True, "is_open": is_open}


def _integer(value) -> int | None:
    return int(value) if str(value).isdigit() else None
