"""Which page numbers are worth a link: five hundred of them would be of no help to anyone."""

from django import template
from django.core.paginator import Page

register = template.Library()


@register.filter
def shown_numbers(page: Page) -> list[int]:
    """The first, the last, and those around this page; 0 where some are left out."""
    last = page.paginator.num_pages
    numbers = sorted({1, last, *range(max(1, page.number - 2), min(last, page.number + 2) + 1)})
    shown = []
    for number in numbers:
        if shown and number > shown[-1] + 1:
            shown.append(0)
        shown.append(number)
    return shown
