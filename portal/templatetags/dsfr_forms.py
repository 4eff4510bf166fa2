"""Give widgets the classes of the design system, for the crispy template pack in `templates/dsfr/`."""

from django import forms, template
from django.utils.safestring import SafeString

register = template.Library()


def dsfr_class(widget) -> str:
    if isinstance(widget, forms.FileInput):
        return "fr-upload"
    if isinstance(widget, forms.CheckboxInput):
        return ""
    if isinstance(widget, forms.Select):
        return "fr-select"
    return "fr-input"


@register.inclusion_tag("dsfr/errors.html")
def error_summary(*submitted: forms.BaseForm) -> dict[str, list]:
    """What is wrong in all the forms of one submit, as (field, error); no field where it concerns the whole form."""
    general = [(None, error) for form in submitted for error in form.non_field_errors()]
    return {"errors": general + [(field, error) for form in submitted for field in form for error in field.errors]}


@register.filter
def dsfr_control(field) -> SafeString:
    """The bound field's control alone, without label or messages, nor a placeholder that would repeat the label."""
    widget = field.field.widget
    css = " ".join(filter(None, [dsfr_class(widget), widget.attrs.get("class")]))
    return field.as_widget(attrs={"class": css or False, "placeholder": False})


@register.filter
def dsfr_kind(field) -> str:
    """Which markup of the pack the field asks for."""
    widget = field.field.widget
    if isinstance(widget, forms.CheckboxSelectMultiple):
        return "checkboxes"
    if isinstance(widget, forms.RadioSelect):
        return "radios"
    if widget.use_fieldset:
        return "group"
    if isinstance(widget, forms.CheckboxInput):
        return "checkbox"
    if isinstance(widget, forms.PasswordInput):
        return "password"
    return "control"


@register.filter
def is_optional(field) -> bool:
    """Whether the label says "(facultatif)": `is_optional` where the form set it, else what Django requires."""
    return getattr(field.field, "is_optional", not field.field.required)
