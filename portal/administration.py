"""The admin site of the portal: HR agents and administrators, through the portal's own sign-in."""

from collections.abc import Iterable

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied


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

    def login(self, request, extra_context=None):
        """One sign-in for all, with its rate limits and verified addresses; a signed-in stranger is refused."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or request.get_full_path())
