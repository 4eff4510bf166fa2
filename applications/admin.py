"""HR's desk: the dossiers of one's institutions, who is late, admissibility and decisions; and the commissions."""

from __future__ import annotations

from copy import copy

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.exceptions import DisallowedModelAdminLookup
from django.contrib.admin.options import IncorrectLookupParameters
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils.html import format_html_join
from django.utils.http import urlencode
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_POST

from applications import correspondence, decisions, documents, late_signatures, lifecycle, reopening
from applications.commission.admin import SessionAdmin  # noqa: F401 (registers the sessions)
from applications.commission.reading import Place
from applications.hr_list import Blocking, hindrances
from applications.late_admin import LatePages
from applications.models import Application, Commission, CommissionMember
from applications.reminders.admin import ReminderRuleInline
from applications.views.files import serve_copy, serve_document
from applications.wording_admin import WordingPages
from dossiers.completeness import Completeness, completeness
from dossiers.models import Document
from offers.admin import HrAdmin, OfferAdmin
from offers.models import Offer
from portal.accounts.models import Institution, User
from portal.forms import WholeTextarea
from portal.workflow import Transition, TransitionRefused

PRESERVED = "_changelist_filters"  # how Django's lists name themselves in the addresses of their rows
TO_CONFIRM = lifecycle.DECISIONS | {"refuse"}  # what the candidate is told at once, and may lose by
OfferAdmin.inlines = [*OfferAdmin.inlines, ReminderRuleInline]  # an offer's page knows nothing of applications


class AwaitedOpinions(admin.SimpleListFilter):
    """The filed dossiers that an opinion may still join."""

    title, parameter_name = "avis attendus après le dépôt", "avis"

    def lookups(self, request, model_admin):
        return [("attendus", "Attendus")]

    def queryset(self, request, queryset):
        return queryset.filter(pk__in=late_signatures.awaiting().values("pk")) if self.value() else queryset


@admin.register(Application)
class ApplicationAdmin(WordingPages, LatePages, HrAdmin):
    """Filed dossiers are read here; of a dossier in preparation, only what is missing and who is late."""

    list_display = ["candidate", "offer", "state", "number", "filed_at", "progress", "hindered"]
    list_display_links = ["candidate"]
    list_filter = ["state", Blocking, AwaitedOpinions, ("offer", admin.RelatedOnlyFieldListFilter)]
    search_fields = ["number", "candidate__last_name", "candidate__first_name", "candidate__email"]
    ordering = ["-created_at", "pk"]
    list_per_page = 50
    actions = None

    def _institution_of(self, obj) -> int:
        return obj.offer.institution_id

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_queryset(self, request):
        return (
            super()
            .get_queryset(request)
            .managed_by(request.user)
            .select_related("offer__institution", "candidate", "dossier")
            .prefetch_related("dossier__answers", "dossier__pieces", "dossier__annexes")
        )

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, (extra_context or {}) | {"title": "Candidatures"})

    @admin.display(description="avancement")
    def progress(self, application: Application) -> str:
        if not application.is_draft:
            return ""
        state = _completeness(application)
        return f"{state.done} sur {state.total}"

    @admin.display(description="ce qui manque, qui est en retard")
    def hindered(self, application: Application) -> str:
        state = _completeness(application) if application.is_draft else None
        return format_html_join(mark_safe("<br>"), "{}", ((line,) for line in hindrances(application, state)))

    def change_view(self, request, object_id, form_url="", extra_context=None):
        return self._page(request, self._managed(request, object_id))

    def _page(self, request, application: Application, **more):
        """The dossier and its moves. more: the form to correct (`refused`, by its move), or what was typed in vain."""
        frozen = getattr(application.dossier, "frozen", None)
        context = self.admin_site.each_context(request) | {
            "title": str(application),
            "opts": self.opts,
            "application": application,
            "offer": application.offer,
            "content": frozen.content if frozen else None,
            "late_annexes": late_signatures.late_annexes(application) if frozen else [],
            "documents": documents.latest(application),
            "unprintable": documents.unprintable(application),
            "state": completeness(application.dossier) if application.is_draft else None,
            "forms": [
                (move, more.get("refused", {}).get(move.name) or move_form(move, application, request.user))
                for move in lifecycle.WORKFLOW.available(application, request.user)
            ],
            "place": self._place(request, application),
            "query": _list_query(request),
            "listed": request.GET.get(PRESERVED, ""),
            "transitions": application.transitions.select_related("actor"),
            "thread": correspondence.thread(application, correspondence.FOR_SERVICE),
            "reviews": application.reviews.select_related("member"),
            "recusals": application.recusals.select_related("member"),
            "typed_in_vain": [],
            **more,
        }
        return render(request, "admin/applications/application/dossier.html", context)

    def _place(self, request, application: Application) -> Place:
        """Where this dossier is in the list that it was opened from: same filters, same words, same order."""
        listed = copy(request)
        listed.GET = QueryDict(request.GET.get(PRESERVED, ""), mutable=True)
        listed.GET.pop("p", None)  # the whole list, not a page of it that may be gone since
        try:
            rows = self.get_changelist_instance(listed).queryset.values_list("pk", "state")
        except (IncorrectLookupParameters, DisallowedModelAdminLookup):
            return Place()
        return Place.of(application.pk, [(pk, state == Application.State.FILED) for pk, state in rows])

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<uuid:pk>/mouvement/<slug:name>/", view(self.move), name="applications_application_move"),
            path("<uuid:pk>/composer/", view(self.print_again), name="applications_application_print_again"),
            path("<uuid:pk>/dossier.pdf", view(self.document), name="applications_application_document"),
            path("<uuid:pk>/decision.pdf", view(self.decision), name="applications_application_decision"),
            path("<uuid:pk>/volume.pdf", view(self.bundle), name="applications_application_bundle"),
            path("<uuid:pk>/fichier/<uuid:piece_pk>/", view(self.piece), name="applications_application_piece"),
            *super().get_urls(),
        ]

    def _managed(self, request, pk) -> Application:
        try:
            return get_object_or_404(self.get_queryset(request), pk=pk)
        except (ValueError, forms.ValidationError) as error:
            raise Http404 from error

    def move(self, request, pk, name: str):
        """Admissibility or decision, with its reason."""
        return require_POST(self._move)(request, pk, name)

    def _move(self, request, pk, name: str):
        application = self._managed(request, pk)
        moves = {move.name: move for move in lifecycle.WORKFLOW.available(application, request.user)}
        if name not in moves:
            return self._too_late(request, application, name)
        form = move_form(moves[name], application, request.user, request.POST)
        if "correct" in request.POST:
            return self._page(request, application, refused={name: form})
        if form.is_valid():
            if name in TO_CONFIRM and "confirmed" not in request.POST:
                return self._confirm(request, application, moves[name], form)
            try:
                lifecycle.WORKFLOW.run(application, name, actor=request.user, **form.cleaned_data)
                messages.success(request, "Le mouvement est enregistré et la personne candidate en est informée.")
                query = _list_query(request)
                return redirect(
                    reverse("admin:applications_application_change", args=[pk]) + (f"?{query}" if query else "")
                )
            except TransitionRefused as refusal:
                for reason in refusal.reasons:
                    form.add_error(None, reason)
        messages.error(request, f"« {moves[name].label} » n’est pas enregistré : voyez ce qui est à corriger.")
        return self._page(request, self._managed(request, pk), refused={name: form})

    def _confirm(self, request, application: Application, move: Transition, form: ReasonForm):
        """What is about to be sent, and what the agent may not know: nothing is done before they agree."""
        decides = move.name in lifecycle.DECISIONS
        context = self.admin_site.each_context(request) | {
            "title": f"{move.label} : {application.candidate}",
            "opts": self.opts,
            "application": application,
            "move": move,
            "form": form,
            "decides": decides,
            "can_reopen": reopening.can_reopen(application),
            "cautions": list(decisions.cautions(application)) if decides else [],
            "query": _list_query(request),
        }
        return render(request, "admin/applications/application/confirm.html", context)

    def _too_late(self, request, application: Application, name: str):
        """Somebody else moved it while this was typed: nothing is done, nothing typed is lost."""
        known = lifecycle.WORKFLOW.transitions.get(name)
        if not application.was_filed or known is None or not known.allowed(request.user, application):
            raise Http404
        state = application.get_state_display()
        messages.error(request, f"« {known.label} » n’est plus possible : l’état est maintenant « {state} ».")
        form = move_form(known, application, request.user, request.POST)
        typed = [(field.label, str(field.value() or "").strip()) for field in form]
        return self._page(request, application, typed_in_vain=[(label, text) for label, text in typed if text])

    def _filed(self, request, pk) -> Application:
        application = self._managed(request, pk)
        if not application.was_filed:
            raise Http404
        return application

    def document(self, request, pk):
        return serve_document(self._filed(request, pk))

    def decision(self, request, pk):
        return serve_document(self._filed(request, pk), Document.Kind.DECISION)

    def bundle(self, request, pk):
        return serve_document(self._filed(request, pk), Document.Kind.BUNDLE)

    def print_again(self, request, pk):
        """The documents that could not be made are tried anew."""
        return require_POST(self._print_again)(request, pk)

    def _print_again(self, request, pk):
        documents.try_again(self._filed(request, pk))
        messages.success(request, "La composition du PDF est demandée de nouveau.")
        return redirect("admin:applications_application_change", pk)

    def piece(self, request, pk, piece_pk):
        return serve_copy(request, get_object_or_404(self._filed(request, pk).dossier.pieces, pk=piece_pk))


class ReasonForm(forms.Form):
    """Why a dossier is moved, as the candidate will read it."""

    reason = forms.CharField(
        label="Motif, communiqué à la personne candidate",
        max_length=1000,
        widget=WholeTextarea(attrs={"rows": 2, "cols": 80}),
    )

    def __init__(self, move: Transition, data: QueryDict | None = None, **options):
        super().__init__(data, auto_id=f"%s-{move.name}", **options)
        field = self.fields["reason"]
        field.required = move.reason_required
        field.error_messages["required"] = f"« {move.label} » demande un motif."
        if not move.reason_required:
            field.label += " (facultatif)"


class DecisionForm(ReasonForm):
    """A decision bears the name and quality of its author (CRPA L212-1), and how it can be contested."""

    author_name = forms.CharField(
        label="Auteur de la décision, tel que la lettre le nomme",
        required=False,
        max_length=150,
        widget=forms.TextInput(attrs={"size": 40}),
    )
    author_quality = forms.CharField(
        label="Qualité de l’auteur", required=False, max_length=200, widget=forms.TextInput(attrs={"size": 60})
    )
    appeal = forms.CharField(
        label="Voies et délais de recours",
        required=False,
        max_length=2000,
        widget=WholeTextarea(attrs={"rows": 4, "cols": 80}),
    )


def move_form(move: Transition, application: Application, actor: User, data: QueryDict | None = None) -> ReasonForm:
    if move.name not in lifecycle.DECISIONS:
        return ReasonForm(move, data)
    author = decisions.default_author(application, actor) | {"appeal": decisions.APPEAL}
    return DecisionForm(move, data, initial=author)


def _completeness(application: Application) -> Completeness:
    """Reckoned once for a row of the list."""
    if not hasattr(application, "_state_of_the_dossier"):
        application._state_of_the_dossier = completeness(application.dossier)
    return application._state_of_the_dossier


def _list_query(request) -> str:
    """The list that this dossier was opened from, for the next address."""
    return urlencode({PRESERVED: request.GET[PRESERVED]}) if request.GET.get(PRESERVED) else ""


class SeatForm(forms.ModelForm):
    """A member is named by the address of their account: HR agents do not browse the accounts."""

    email = forms.EmailField(label="Adresse électronique du membre")

    class Meta:
        model = CommissionMember
        fields = ["email", "quality"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["email"] = self.instance.user.email
        for field in self.fields.values():  # in a table of forms, Django writes no label
            field.widget.attrs["aria-label"] = field.label

    def clean_email(self) -> str:
        email = self.cleaned_data["email"]
        if self.instance.pk and email == self.instance.user.email:
            self.user = self.instance.user  # as it was, even if the account was closed since
            return email
        self.user = User.objects.filter(email__iexact=email, is_active=True).first()
        if self.user is None:
            raise forms.ValidationError("Cette adresse n’a pas de compte : la personne doit d’abord en créer un.")
        return email

    def save(self, commit=True):
        self.instance.user = self.user
        return super().save(commit)


class SeatFormSet(forms.BaseInlineFormSet):
    def clean(self):
        super().clean()
        seated = set()
        for form in self.forms:
            member = getattr(form, "user", None)
            if member is None or form in self.deleted_forms:
                continue
            if member in seated:
                form.add_error("email", "Cette personne siège déjà dans cette commission.")
            seated.add(member)


class SeatInline(admin.TabularInline):
    model = CommissionMember
    form = SeatForm
    formset = SeatFormSet
    extra = 1

    def has_view_permission(self, request, obj=None):
        return obj is None or request.user.is_hr_of(obj.institution_id)

    has_change_permission = has_add_permission = has_delete_permission = has_view_permission


@admin.register(Commission)
class CommissionAdmin(HrAdmin):
    list_display = ["name", "institution"]
    list_select_related = ["institution"]
    filter_horizontal = ["offers"]
    inlines = [SeatInline]
    actions = None

    def get_queryset(self, request):
        commissions = super().get_queryset(request)
        user = request.user
        return commissions if user.is_superuser else commissions.filter(institution__in=user.hr_institution_ids)

    def has_delete_permission(self, request, obj=None):
        return False

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "institution" and not request.user.is_superuser:
            kwargs["queryset"] = Institution.objects.filter(pk__in=request.user.hr_institution_ids)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_related(self, request, form, formsets, change):
        """Offers of other institutions, which the agent neither sees nor chooses, stay attached."""
        others = list(form.instance.offers.exclude(pk__in=Offer.objects.managed_by(request.user))) if change else []
        super().save_related(request, form, formsets, change)
        form.instance.offers.add(*others)

    def formfield_for_manytomany(self, db_field, request, **kwargs):
        if db_field.name == "offers":
            kwargs["queryset"] = Offer.objects.managed_by(request.user)
        return super().formfield_for_manytomany(db_field, request, **kwargs)
