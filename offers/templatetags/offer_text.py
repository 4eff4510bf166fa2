"""What offer pages say many times over: made here once, rather than by a template for each line."""

import json

from django import template
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from offers.data import regions
from offers.models import Offer
from offers.text import to_html

register = template.Library()
register.filter("markdown", to_html)
REGION_NAMES = {region.code: region.name for region in regions()}


CARD = """\
<li>
  <article class="fr-card fr-card--horizontal fr-enlarge-link fr-card--no-icon portal-card">
    <div class="fr-card__body">
      <div class="fr-card__content">
        <h2 class="fr-card__title"><a href="{}">{}</a></h2>
        <p class="fr-card__desc">{}</p>
        <div class="fr-card__start">
          <ul class="fr-badges-group">
            <li>{}</li>
            <li><span class="fr-badge fr-badge--sm fr-badge--no-icon">{}</span></li>
          </ul>
          <p class="fr-card__detail fr-icon-map-pin-2-line">{}</p>
        </div>
      </div>
    </div>
  </article>
</li>
"""


@register.filter
def card(offer: Offer) -> SafeString:
    """An offer in a list. Twenty of them took a template as long as all the rest of the page."""
    place = " · ".join(filter(None, [offer.institution.name, REGION_NAMES.get(offer.region)]))
    kind = offer.kind_definition.short_label
    address = offer.get_absolute_url()
    return format_html(CARD, address, offer.title, offer.summary, deadline_badge(offer), kind, place)


@register.filter
def data_block(data: dict) -> SafeString:
    """JSON that may stand in a script element: nothing in it can end the element."""
    text = json.dumps(data, ensure_ascii=False)
    return mark_safe(text.replace("<", "\\u003C").replace(">", "\\u003E").replace("&", "\\u0026"))


@register.filter
def deadline_badge(offer: Offer) -> SafeString:
    """How long one can still apply."""
    days, classes = offer.days_left, "fr-badge--no-icon"
    if offer.state == Offer.State.PAUSED:
        text, classes = "Candidatures suspendues", "fr-badge--warning"
    elif not offer.is_open():
        text = "Offre close"
    elif days is None:
        text, classes = "Sans date limite", "fr-badge--info fr-badge--no-icon"
    elif days == 0:
        hour = date_format(localtime(offer.deadline), r"G \h i")
        text, classes = f"Dernier jour : {hour}", "fr-badge--warning"
    elif days < 8:
        text, classes = f"Encore {days} jour{'s' if days > 1 else ''}", "fr-badge--warning"
    else:
        day = date_format(localtime(offer.deadline), "j F Y")
        text, classes = f"Jusqu’au {day}", "fr-badge--success fr-badge--no-icon"
    return format_html('<span class="fr-badge fr-badge--sm {}">{}</span>', classes, text)


@register.filter
def checkboxes(choices) -> SafeString:
    """The options of a facet, each with the number of offers it would give. There may be a hundred of them."""
    name = choices.facet.name
    lines = []
    for option in choices.options:
        value, label = conditional_escape(option.value), conditional_escape(option.label)
        key = f"id_{name}_{len(lines)}"
        checked = " checked" if option.chosen else ""
        lines.append(
            f'<div class="fr-checkbox-group fr-checkbox-group--sm"><input type="checkbox" id="{key}" name="{name}" '
            f'value="{value}"{checked}><label class="fr-label" for="{key}">{label}'
            f'<span class="portal-facet__count"> ({option.count})</span></label></div>'
        )
    return mark_safe("".join(lines))


@register.simple_tag(takes_context=True)
def address_without(context, choices, option) -> str:
    """The same search without this choice."""
    return context["criteria"].without(choices.facet.name, option.value).query
