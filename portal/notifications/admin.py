from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Min, QuerySet
from django.http import HttpRequest, HttpResponseNotAllowed
from django.shortcuts import redirect
from django.urls import path, reverse

from portal.notifications import claims, outbox
from portal.notifications.models import Mail

WAITING_DOMAINS = 5


def summary() -> dict:
    """The outbox at a glance: how many in each state, since when the oldest waits, and for which domains."""
    counts = dict(Mail.objects.order_by().values_list("state").annotate(count=Count("pk")))
    waiting = claims.due()
    oldest = waiting.order_by().aggregate(oldest=Min("created_at"))["oldest"]
    domains = waiting.order_by().values("domain").annotate(count=Count("pk")).order_by("-count", "domain")
    return {
        "states": [(state, counts.get(state, 0)) for state in Mail.State],
        "oldest": oldest,
        "domains": list(domains[:WAITING_DOMAINS]),
        "undelivered": sum(counts.get(state, 0) for state in Mail.UNDELIVERED),
    }


@admin.register(Mail)
class MailAdmin(admin.ModelAdmin):
    """The outbox as the administrator sees it: its age, its failures, and a way to try again."""

    change_list_template = "admin/notifications/mail/change_list.html"
    change_form_template = "admin/notifications/mail/change_form.html"
    list_display = ["created_at", "nature", "recipient", "state", "priority", "attempts", "sent_at"]
    list_filter = ["state", "priority", "kind"]
    search_fields = ["recipient", "subject"]
    show_full_result_count = False
    fields = readonly_fields = [
        "nature",
        "recipient",
        "subject",
        "state",
        "priority",
        "attempts",
        "tried_at",
        "next_attempt_at",
        "last_error",
        "created_at",
        "sent_at",
        "message_id",
    ]
    actions = ["retry"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def get_urls(self):
        page = path("<int:pk>/reessayer/", self.admin_site.admin_view(self.retry_one), name="notifications_mail_retry")
        every = path("reessayer/", self.admin_site.admin_view(self.retry_all), name="notifications_mail_retry_all")
        return [page, every, *super().get_urls()]

    def changelist_view(self, request, extra_context=None):
        own = {"title": "Boîte d’envoi", "outbox": summary()}
        return super().changelist_view(request, (extra_context or {}) | own)

    @admin.action(description="Essayer de nouveau", permissions=["view"])
    def retry(self, request, queryset):
        self._retry(request, queryset)

    def retry_one(self, request: HttpRequest, pk: int):
        return self._retry_page(
            request, Mail.objects.filter(pk=pk), reverse("admin:notifications_mail_change", args=[pk])
        )

    def retry_all(self, request: HttpRequest):
        return self._retry_page(request, Mail.objects.all(), reverse("admin:notifications_mail_changelist"))

    def _retry_page(self, request: HttpRequest, mails: QuerySet[Mail], then: str):
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        self._retry(request, mails)
        return redirect(then)

    def _retry(self, request: HttpRequest, mails: QuerySet[Mail]) -> None:
        count, lost = claims.retry(mails)
        if count:
            told = "Un courriel repart" if count == 1 else f"{count} courriels repartent"
            messages.success(request, f"{told} : voyez leur état dans un instant.")
        if lost:
            messages.warning(
                request,
                "Un code ou un lien de mot de passe ne repart pas : ses mots sont effacés. La personne peut "
                "en demander un autre.",
            )
        if not count and not lost:
            messages.info(request, "Rien à renvoyer : seuls les courriels en échec ou refusés peuvent repartir.")

    @admin.display(description="nature", ordering="kind")
    def nature(self, mail: Mail) -> str:
        kind = outbox.kinds.get(mail.kind)
        return kind.label if kind and kind.label else f"Compte : {mail.kind}"

    @admin.display(description="identifiant du message")
    def message_id(self, mail: Mail) -> str:
        return mail.message_id
