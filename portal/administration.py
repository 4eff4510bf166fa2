"""The admin site of the portal: HR agents and administrators, through the portal's own sign-in."""

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied


class PortalAdminSite(AdminSite):
    site_header = "Portail Santé-Justice – gestion"
    site_title = "Gestion"
    index_title = "Offres et candidatures"
    site_url = "/"
    enable_nav_sidebar = False

    def login(self, request, extra_context=None):
        """One sign-in for all, with its rate limits and verified addresses; a signed-in stranger is refused."""
        if request.user.is_authenticated:
            raise PermissionDenied
        return redirect_to_login(request.GET.get("next") or request.get_full_path())
