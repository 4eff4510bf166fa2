"""`{% load french %}`: see portal.french."""

from django import template

from portal import french

register = template.Library()

register.filter("of", french.of)
register.filter("file_size", french.file_size)
register.filter("first_of_month", french.first)
