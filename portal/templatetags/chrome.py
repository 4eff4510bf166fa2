"""The header and the footer, the same for all who are not signed in: made once per page of the site and per process."""

from __future__ import annotations

from django import template
from django.conf import settings
from django.utils.safestring import SafeString

register = template.Library()
_made: dict[tuple, SafeString] = {}


@register.simple_tag(takes_context=True)
def chrome(context, name: str) -> SafeString:
    """A template that depends on the person, on the view's name, and on nothing else of the request."""
    request = context.get("request")
    part = context.template.engine.get_template(name)
    match = getattr(request, "resolver_match", None)
    user = getattr(request, "user", None)
    if match is None or user is None or user.is_authenticated:
        return part.render(context)
    key = (name, match.view_name, settings.SITE_NAME, settings.STATE_BRAND, settings.DEMO)
    if key not in _made:  # as many as there are views
        _made[key] = part.render(context)
    return _made[key]
