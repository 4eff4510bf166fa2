"""The pages that say what the portal is and what it does with people's data. Texts live in `templates/pages/`."""

from django.conf import settings
from django.urls import path
from django.views.generic import TemplateView


class Page(TemplateView):
    extra_context = {
        "data_protection_email": settings.DATA_PROTECTION_EMAIL,
        "support_email": settings.SUPPORT_EMAIL,
        "draft_kept_days": settings.DRAFT_KEPT_DAYS,
        "draft_notice_days": settings.DRAFT_NOTICE_DAYS,
        "account_kept_days": settings.ACCOUNT_KEPT_DAYS,
        "mail_kept_days": settings.MAIL_KEPT_DAYS,
    }


app_name = "pages"
urlpatterns = [
    path("mentions-legales/", Page.as_view(template_name="pages/legal.html"), name="legal"),
    path("donnees-personnelles/", Page.as_view(template_name="pages/privacy.html"), name="privacy"),
    path("accessibilite/", Page.as_view(template_name="pages/accessibility.html"), name="accessibility"),
    path("plan-du-site/", Page.as_view(template_name="pages/sitemap_page.html"), name="sitemap_page"),
    path("aide/", Page.as_view(template_name="pages/help.html"), name="help"),
]
