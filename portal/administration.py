"""The admin site of the portal: HR agents and administrators, through the portal's own sign-in."""

from collections.abc import Iterable
from functools import wraps

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.urls import reverse

from portal import typed_text

READABLE = 15  # characters: shorter values are keys, dates and choices


class PortalAdminSite(AdminSite):
    site_header = "Portail Santé-Justice – gestion"
    site_title = "Gestion"
    index_title = "Offres et candidatures"
    site_url = "/"
    enable_nav_sidebar = False
    unused = frozenset({"auth.group", "dsfr.dsfrconfig"})  # packages register them; the portal has no use for them

    def register(self, model_or_iterable, admin_class=None, **options):
        models = model_or_iterable if isinstance(model_or_iterable, Iterable) else [model_or_iterable]
        super().register(
            [model for model in models if model._meta.label_lower not in self.unused], admin_class, **options
        )

    def get_urls(self):
        """Without Django's way from any object to its page: it tells every agent the address of a draft."""
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]

    def admin_view(self, view, cacheable=False):
        """What an expired session was posting waits for its author, as on the other pages of the portal."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def answer(request, *args, **kwargs):
            response = inner(request, *args, **kwargs)
            if request.method == "POST" and getattr(response, "url", "").startswith(reverse("admin:login")):
                page = typed_text.page_of_form(request)
                return redirect_to_login(page) if typed_text.keep(request, page) else response
            may_write = response.status_code == 200  # the page says who may
            kept = typed_text.take(request) if may_write else None
            return self._send_again(request, kept) if kept else response

        return answer

    def _send_again(self, request, kept: typed_text.Typed):
        """Django's forms, and ours among them, are many: the whole request is shown, to be sent again or dropped."""
        sent = [(name, value) for name, values in kept.posted.lists() for value in values]
        context = self.each_context(request) | {
            "title": "Votre session avait expiré",
            "to": kept.to,
            "sent": sent,
            "texts": [value for _, value in sent if len(value) >= READABLE],
        }
        return render(request, "admin/typed_text.html", context)

    def login(self, request, extra_context=None):
        """One sign-in for all, with its rate limits and verified addresses; a signed-in stranger is refused."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or request.get_full_path())
