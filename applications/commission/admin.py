"""HR prepares the sessions: a date, a place, the dossiers of the agenda and who reports on each."""

from __future__ import annotations

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Q
from django.http import HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.utils import timezone

from applications.commission import letters
from applications.commission.minutes import establish
from applications.commission.sessions import candidates_for_agenda, fill_agenda, next_position
from applications.models import AgendaItem, Application, Commission, Recusal, Session
from applications.views.files import serve_minutes, serve_zip
from offers.admin import HrAdmin
from offers.admin_forms import name_parts
from portal.accounts.models import User
from portal.forms import WholeTextarea
from portal.workflow import TransitionRefused


class ApplicationChoice(forms.ModelChoiceField):
    def label_from_instance(self, application: Application) -> str:
        return f"{application.number} – {application.candidate.get_full_name()} – {application.offer.title}"


class MemberChoice(forms.ModelChoiceField):
    def label_from_instance(self, user: User) -> str:
        return user.get_full_name() or user.email


class MembersChoice(forms.ModelMultipleChoiceField):
    label_from_instance = MemberChoice.label_from_instance


class AgendaForm(forms.ModelForm):
    class Meta:
        model = AgendaItem
        fields = ["position", "application", "rapporteur"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():  # in a table of forms, Django writes no label
            field.widget.attrs["aria-label"] = field.label
        if not self.instance.pk:
            self.initial["position"] = self.fields["position"].initial  # after the last line of the agenda

    def has_changed(self) -> bool:
        """A new line with a number alone is not a line."""
        return super().has_changed() and bool(self.instance.pk or set(self.changed_data) != {"position"})

    def clean(self):
        cleaned = super().clean()
        application, rapporteur = cleaned.get("application"), cleaned.get("rapporteur")
        if application and rapporteur:
            if rapporteur.pk == application.candidate_id:
                self.add_error("rapporteur", "Cette personne est la candidate : choisissez un autre membre.")
            elif Application.objects.sought_by(rapporteur).filter(offer=application.offer_id).exists():
                self.add_error("rapporteur", "Cette personne candidate à la même offre : choisissez un autre membre.")
            elif Recusal.objects.filter(application=application, member=rapporteur).exists():
                self.add_error("rapporteur", "Ce membre s’est déporté de ce dossier : choisissez-en un autre.")
        return cleaned


class AgendaInline(admin.TabularInline):
    model = AgendaItem
    form = AgendaForm
    extra = 1
    readonly_fields = ["recusal"]

    @admin.display(description="déport")
    def recusal(self, item: AgendaItem) -> str:
        """Of the rapporteur: the line waits for another one."""
        aside = item.pk and item.rapporteur_stands_aside
        return "Le rapporteur s’est déporté : choisissez un autre membre." if aside else ""

    def has_view_permission(self, request, obj=None):
        return obj is None or request.user.is_hr_of(obj.commission.institution_id)

    has_change_permission = has_add_permission = has_delete_permission = has_view_permission

    def get_queryset(self, request):
        return super().get_queryset(request).select_related("application").prefetch_related("application__recusals")

    def get_formset(self, request, obj=None, **kwargs):
        """The choices of this session, fetched once for all rows. What is on the agenda already stays a choice."""
        formset = super().get_formset(request, obj, **kwargs)
        if obj is None:
            return formset
        choice = Application.objects.filter(Q(agenda_items__session=obj) | Q(pk__in=candidates_for_agenda(obj)))
        choice = choice.select_related("candidate", "offer").distinct().order_by("number")
        members = User.objects.filter(Q(seats__commission=obj.commission_id) | Q(reports__session=obj))
        fields = formset.form.base_fields
        fields["application"] = ApplicationChoice(choice, label="Dossier")
        fields["rapporteur"] = MemberChoice(
            members.distinct().order_by("last_name", "first_name", "pk"), label="Rapporteur", required=False
        )
        fields["position"].initial = next_position(obj)
        for name in ("application", "rapporteur"):
            fields[name].choices = list(fields[name].choices)
        return formset


class SessionMinutesForm(forms.ModelForm):
    """Who chaired and who was there: chosen among those who sit."""

    class Meta:
        model = Session
        fields = ["chair", "present"]
        field_classes = {"chair": MemberChoice, "present": MembersChoice}
        widgets = {"present": forms.CheckboxSelectMultiple}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        seated = Q(seats__commission=self.instance.commission_id)
        session = Q(chaired_sessions=self.instance) | Q(attended_sessions=self.instance)
        members = User.objects.filter(seated | session).distinct().order_by("last_name", "first_name", "pk")
        self.fields["chair"].queryset = self.fields["present"].queryset = members


AgendaOpinions = forms.modelformset_factory(
    AgendaItem,
    fields=["opinion", "reasons"],
    extra=0,
    widgets={"reasons": WholeTextarea(attrs={"rows": 4, "cols": 80})},
)


class SessionForm(forms.ModelForm):
    fill = forms.BooleanField(
        label="Inscrire à l’ordre du jour tous les dossiers recevables qui attendent", required=False, initial=True
    )

    starts_at = forms.SplitDateTimeField(
        label="Date et heure (heure de Paris)",
        widget=forms.SplitDateTimeWidget(
            date_attrs={"type": "date"}, date_format="%Y-%m-%d", time_attrs={"type": "time"}, time_format="%H:%M"
        ),
    )

    class Meta:
        model = Session
        fields = ["commission", "starts_at", "place"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        name_parts(self.fields["starts_at"])
        if self.instance.pk and "commission" in self.fields:
            self.fields["commission"].disabled = True  # its agenda is made of this commission's dossiers


@admin.register(Session)
class SessionAdmin(HrAdmin):
    list_display = ["starts_at", "commission", "place"]
    list_select_related = ["commission__institution"]
    list_filter = [("commission", admin.RelatedOnlyFieldListFilter)]
    form = SessionForm
    inlines = [AgendaInline]
    change_form_template = "admin/applications/session/change_form.html"
    actions = None

    def _institution_of(self, obj) -> int:
        return obj.commission.institution_id

    def get_queryset(self, request):
        return super().get_queryset(request).managed_by(request.user)

    def get_fields(self, request, obj=None):
        return ["commission", "starts_at", "place"] if obj else ["commission", "starts_at", "place", "fill"]

    def get_inlines(self, request, obj):
        return self.inlines if obj else []

    def has_delete_permission(self, request, obj=None):
        """A session to come is called off by deleting it: its dossiers wait for another one."""
        if obj is None or obj.starts_at < timezone.now() or obj.minutes.exists():
            return False
        return self.has_change_permission(request, obj)

    def delete_model(self, request, obj):
        letters.tell_members(obj, "session_cancelled")
        super().delete_model(request, obj)

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "commission" and not request.user.is_superuser:
            kwargs["queryset"] = Commission.objects.filter(institution__in=request.user.hr_institution_ids)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if form.cleaned_data.get("fill"):
            fill_agenda(obj)
        if not change:
            letters.tell_members(obj, "session_convened")
        elif {"starts_at", "place"} & set(form.changed_data):
            letters.tell_members(obj, "session_convened", was=form.initial["starts_at"].isoformat())

    def response_add(self, request, obj, post_url_continue=None):
        """A new session goes on with its agenda."""
        super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(reverse("admin:applications_session_change", args=[obj.pk]))

    def get_urls(self):
        view = self.admin_site.admin_view
        return [
            path("<int:pk>/proces-verbal/", view(self.minutes), name="applications_session_minutes"),
            path(
                "<int:pk>/proces-verbal-<int:edition>.pdf",
                view(self.minutes_document),
                name="applications_session_minutes_document",
            ),
            path("<int:pk>/dossiers.zip", view(self.zip), name="applications_session_zip"),
            *super().get_urls(),
        ]

    def _session(self, request, pk: int) -> Session:
        return get_object_or_404(self.get_queryset(request).select_related("commission__institution"), pk=pk)

    def minutes(self, request, pk: int):
        """What was said in the session, and the minutes established from it."""
        session = self._session(request, pk)
        items = session.agenda.select_related("application__candidate", "application__offer", "rapporteur")
        items = items.prefetch_related("application__recusals")
        data = request.POST or None
        form = SessionMinutesForm(data, instance=session)
        formset = AgendaOpinions(data, queryset=items, prefix="agenda")
        if request.method == "POST" and form.is_valid() and formset.is_valid():
            with transaction.atomic():
                form.save()
                formset.save()
            messages.success(request, "Ce qui a été dit de la séance est enregistré.")
            if "establish" in request.POST:
                self._establish(request, session)
            return redirect("admin:applications_session_minutes", session.pk)
        context = self.admin_site.each_context(request) | {
            "title": f"Procès-verbal – {session}",
            "opts": self.opts,
            "session": session,
            "to_come": session.starts_at > timezone.now(),
            "form": form,
            "formset": formset,
            "editions": session.minutes.select_related("document", "established_by"),
        }
        return render(request, "admin/applications/session/minutes.html", context)

    def _establish(self, request, session: Session) -> None:
        try:
            minutes = establish(session, request.user)
            messages.success(request, f"Le procès-verbal est établi (édition {minutes.edition}) ; son PDF se prépare.")
        except TransitionRefused as refusal:
            for reason in refusal.reasons:
                messages.error(request, reason)

    def minutes_document(self, request, pk: int, edition: int):
        return serve_minutes(get_object_or_404(self._session(request, pk).minutes, edition=edition))

    def zip(self, request, pk: int):
        session = self._session(request, pk)
        # A commission may examine other institutions' offers too.
        managed = Application.objects.managed_by(request.user)
        return serve_zip(session, managed.filter(agenda_items__session=session).values("pk"))
