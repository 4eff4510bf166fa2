"""Who is reminded and when, at the foot of an offer's page."""

from __future__ import annotations

from django import forms
from django.contrib import admin
from django.contrib.postgres.forms import SimpleArrayField
from django.urls import reverse
from django.utils.html import format_html

from applications.reminders.models import Audience, ReminderRule
from applications.reminders.rules import ensure_rules
from applications.wording import texts_of

TEXT_OF = {
    Audience.CANDIDATE: "candidate_reminder",
    Audience.UNOPENED: "signatory_reminder",
    Audience.UNSIGNED: "signatory_reminder_opened",
    Audience.SERVICE: "to_check_reminder",
    Audience.RAPPORTEUR: "rapporteur_reminder",
    Audience.MEMBER: "session_reminder",
}
WITHOUT_DEADLINE = {Audience.SERVICE}
BEFORE_A_SESSION = {Audience.RAPPORTEUR, Audience.MEMBER}


class ReminderRuleForm(forms.ModelForm):
    days_before = SimpleArrayField(
        forms.IntegerField(min_value=0, max_value=365),
        label="jours avant l’échéance",
        required=False,
        help_text=ReminderRule._meta.get_field("days_before").help_text,
        error_messages={"item_invalid": "La valeur n° %(nth)s n’est pas un nombre de jours :"},
    )

    class Meta:
        model = ReminderRule
        fields = ["days_before", "every_days", "at_most", "active"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = f"{self.instance} – {field.label}"
        if self.instance.audience in WITHOUT_DEADLINE:
            self.fields["days_before"].disabled = True
        if self.instance.audience in BEFORE_A_SESSION:
            self.fields["every_days"].disabled = True

    def clean_days_before(self) -> list[int]:
        return sorted(set(self.cleaned_data["days_before"]), reverse=True)

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("active") and not self.errors and not (cleaned.get("days_before") or cleaned.get("every_days")):
            raise forms.ValidationError("Dites quand ce rappel part, ou désactivez-le.")
        return cleaned


class ReminderRuleInline(admin.TabularInline):
    """One line for each audience: HR changes it or puts it out, and neither adds nor removes any."""

    model = ReminderRule
    form = ReminderRuleForm
    fields = ["days_before", "every_days", "at_most", "active", "text"]
    readonly_fields = ["text"]
    extra = 0
    can_delete = False
    verbose_name_plural = "Rappels"

    @admin.display(description="texte")
    def text(self, rule: ReminderRule) -> str:
        template = TEXT_OF[Audience(rule.audience)]
        if template not in self.texts:
            return "–"  # nobody signs anything in this offer
        page = reverse("admin:applications_mailtext", args=[rule.offer_id, template])
        return format_html('<a href="{}" aria-label="Voir ou changer : {}">Voir ou changer</a>', page, rule)

    def has_view_permission(self, request, obj=None):
        return obj is not None and request.user.is_hr_of(obj.institution_id)

    has_change_permission = has_view_permission

    def has_add_permission(self, request, obj=None):
        return False

    def get_queryset(self, request):
        """Those of the offer whose page it is, which is the agent's already."""
        return ReminderRule.objects.all()

    def get_formset(self, request, obj=None, **kwargs):
        if obj is not None and obj.reminder_rules.count() < len(Audience):
            ensure_rules([obj])
        self.texts = {text.template for text in texts_of(obj)} if obj else set()
        return super().get_formset(request, obj, **kwargs)
