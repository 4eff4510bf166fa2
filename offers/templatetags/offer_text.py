"""What offer pages say many times over: made here once, rather than by a template for each line."""

import json
from datetime import date
from functools import lru_cache
from html import escape

from django import template
from django.utils.formats import date_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime

from offers.filters import department_labels
from offers.models import Offer
from offers.search import Choices
from offers.text import to_html
from portal.french import first

register = template.Library()
register.filter("markdown", to_html)


@register.filter
def card(offer: Offer) -> SafeString:
    """An offer in a list. Twenty of them took a template as long as all the rest of the page."""
    place = " · ".join(filter(None, [offer.institution.name, offer.region_name]))
    kind = offer.kind_definition.short_label
    return mark_safe(
        f"""\
<li>
  <article class="fr-card fr-card--horizontal fr-enlarge-link fr-card--no-icon portal-card">
    <div class="fr-card__body">
      <div class="fr-card__content">
        <h2 class="fr-card__title"><a href="{offer.get_absolute_url()}">{escape(offer.title)}</a></h2>
        <p class="fr-card__desc">{escape(offer.summary)}</p>
        <div class="fr-card__start">
          <ul class="fr-badges-group">
            <li>{deadline_badge(offer)}</li>
            <li><span class="fr-badge fr-badge--sm fr-badge--no-icon">{_escaped(kind)}</span></li>
          </ul>
          <p class="fr-card__detail fr-icon-map-pin-2-line">{_escaped(place)}</p>
        </div>
      </div>
    </div>
  </article>
</li>
"""
    )


_escaped = lru_cache(maxsize=4096)(escape)  # what is said again on each page: places, labels


@register.filter
def data_block(data: dict) -> SafeString:
    """JSON that may stand in a script element: nothing in it can end the element."""
    text = json.dumps(data, ensure_ascii=False)
    return mark_safe(text.replace("<", "\\u003C").replace(">", "\\u003E").replace("&", "\\u0026"))


@register.filter
def deadline_badge(offer: Offer, is_open: bool | None = None) -> SafeString:
    """How long one can still apply. is_open: as it will be, in a preview."""
    days, classes = offer.days_left, "fr-badge--no-icon"
    if offer.state == Offer.State.PAUSED:
        text, classes = "Candidatures suspendues", "fr-badge--warning"
    elif not (offer.is_open() if is_open is None else is_open):
        text = "Offre close"
    elif days is None:
        text, classes = "Sans date limite", "fr-badge--info fr-badge--no-icon"
    elif days == 0:
        hour = date_format(localtime(offer.deadline), r"G \h i")
        text, classes = f"Dernier jour : {hour}", "fr-badge--warning"
    elif days < 8:
        text, classes = f"Encore {days} jour{'s' if days > 1 else ''}", "fr-badge--warning"
    else:
        day = _day(localtime(offer.deadline).date())
        text, classes = f"Jusqu’au {day}", "fr-badge--success fr-badge--no-icon"
    return mark_safe(f'<span class="fr-badge fr-badge--sm {classes}">{text}</span>')


@lru_cache(maxsize=512)
def _day(day: date) -> str:
    return first(date_format(day, "j F Y"))


@register.filter
def facet(choices: Choices) -> SafeString:
    """The options of a facet, each with the number of offers it would give. There may be a hundred of them."""
    name, title = choices.facet.name, choices.facet.title
    options = "".join(
        f'<div class="fr-checkbox-group fr-checkbox-group--sm"><input type="checkbox" id="id_{name}_{number}" '
        f'name="{name}" value="{_escaped(value)}"{" checked" if chosen else ""}>'
        f'<label class="fr-label" for="id_{name}_{number}">{_escaped(label)}'
        f'<span class="portal-facet__count"> ({count})</span></label></div>'
        for number, (value, label, count, chosen) in enumerate(choices.options)
    )
    return mark_safe(
        f'<details class="portal-facet"{" open" if choices.is_open else ""}><summary>{title}</summary>'
        f'<fieldset class="portal-facet__options"><legend class="fr-sr-only">{title}</legend>{options}</fieldset>'
        "</details>"
    )


@register.simple_tag
def department_options(chosen: str) -> SafeString:
    """A hundred départements to choose one from."""
    lines = [
        f'<option value="{code}"{" selected" if code == chosen else ""}>{_escaped(label)}</option>'
        for code, label in department_labels().items()
    ]
    return mark_safe("".join(lines))


@register.simple_tag(takes_context=True)
def address_without(context, facet, option) -> str:
    """The same search without this choice."""
    return context["criteria"].without(facet.name, option.value).query
