from django.contrib import admin
from django.utils import timezone

from portal.notifications.models import Mail


@admin.register(Mail)
class MailAdmin(admin.ModelAdmin):
    """The outbox as the administrator sees it: its age, its failures, and a way to try again."""

    list_display = ["created_at", "kind", "recipient", "state", "attempts", "sent_at"]
    list_filter = ["state", "kind"]
    search_fields = ["recipient", "subject"]
    fields = readonly_fields = [
        "kind",
        "recipient",
        "subject",
        "state",
        "attempts",
        "next_attempt_at",
        "last_error",
        "created_at",
        "sent_at",
    ]
    actions = ["retry"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.action(description="Essayer de nouveau", permissions=["view"])
    def retry(self, request, queryset):
        failed = queryset.filter(state=Mail.State.FAILED).exclude(payload={})
        count = failed.update(state=Mail.State.PENDING, attempts=0, next_attempt_at=timezone.now())
        self.message_user(request, f"{count} courriel(s) remis dans la file.")
