from django import template

from offers.text import to_html

register = template.Library()
register.filter("markdown", to_html)
