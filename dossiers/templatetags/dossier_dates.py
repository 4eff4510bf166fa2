from django import template
from django.utils import timezone

register = template.Library()


@register.filter
def days_since(moment) -> str:
    """How long somebody has been waiting, in Paris days: « aujourd’hui », « hier », « 12 jours »."""
    days = (timezone.localdate() - timezone.localdate(moment)).days
    return {0: "aujourd’hui", 1: "hier"}.get(days, f"{days} jours")
