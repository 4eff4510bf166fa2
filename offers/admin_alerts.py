"""The alerts as the administrator sees them: how many there are, whether they are sent, and the way to erase one.

Whose they are is masked: only who gives an address, to have it erased, finds the alerts of this address.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib import admin
from django.db.models import F, OuterRef, Subquery, TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast

from offers import alerts
from offers.models import Alert
from portal.accounts.models import Institution
from portal.notifications.models import Mail


class StageFilter(admin.SimpleListFilter):
    """With the number of alerts at each stage, whatever else is chosen."""

    title = "état"
    parameter_name = "etat"

    def lookups(self, request, model_admin):
        return [(stage, f"{stage.label} ({Alert.objects.at(stage).count()})") for stage in Alert.Stage]

    def queryset(self, request, queryset):
        return queryset.at(self.value()) if self.value() in Alert.Stage else queryset


@admin.register(Alert)
class AlertAdmin(admin.ModelAdmin):
    view_on_site = False  # its page is its owner's
    list_display = ["masked", "search", "frequency", "stage", "created_at", "last_sent", "ends_at"]
    list_display_links = ["masked"]
    list_filter = [StageFilter, "frequency"]
    search_fields = ["=email"]
    ordering = ["-created_at", "-pk"]
    fields = readonly_fields = [
        "masked",
        "search",
        "frequency",
        "stage",
        "asked_at",
        "confirmed_at",
        "last_sent",
        "ends_at",
    ]

    def has_view_permission(self, request, obj=None):
        return request.user.is_active and request.user.is_superuser

    has_module_permission = has_delete_permission = has_view_permission

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def get_queryset(self, request):
        """With the instant of the last mail sent for each."""
        own = Mail.objects.filter(kind="alert", recipient=OuterRef("email"))
        mails = own.alias(alert=KT("payload__alert")).filter(alert=Cast(OuterRef("pk"), TextField()))
        last = mails.order_by(F("sent_at").desc(nulls_last=True)).values("sent_at")[:1]
        return super().get_queryset(request).annotate(sent_at=Subquery(last))

    def get_changelist_instance(self, request):
        """The names of institutions are read once for all the lines."""
        changelist = super().get_changelist_instance(request)
        names = dict(Institution.objects.values_list("pk", "name"))
        for alert in changelist.result_list:
            alert.facts = alerts.in_words(alerts.criteria(alert), names)
        return changelist

    def changelist_view(self, request, extra_context=None):
        return super().changelist_view(request, (extra_context or {}) | {"title": "Alertes"})

    def change_view(self, request, object_id, form_url="", extra_context=None):
        return super().change_view(request, object_id, form_url, (extra_context or {}) | {"title": "Alerte"})

    @admin.display(description="adresse", ordering="email")
    def masked(self, alert: Alert) -> str:
        name, _, domain = alert.email.partition("@")
        return f"{name[:1]}…@{domain}"

    @admin.display(description="recherche")
    def search(self, alert: Alert) -> str:
        facts = getattr(alert, "facts", None) or alerts.in_words(alerts.criteria(alert))
        return "\N{NO-BREAK SPACE}; ".join(f"{label} : {value}" for label, value in facts)

    @admin.display(description="état")
    def stage(self, alert: Alert) -> str:
        return alert.stage.label

    @admin.display(description="dernier envoi", ordering="sent_at")
    def last_sent(self, alert: Alert) -> datetime | str:
        return alert.sent_at or "jamais"
