"""Forms in the design system: the crispy helper, its buttons, and forms made of a dossier's sections.

A section is taken as it comes (`key`, `fields`, `clean`), without import: the engine above uses this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import TemplateNameMixin
from crispy_forms.utils import TEMPLATE_PACK
from django import forms
from django.forms.boundfield import BoundField
from django.forms.utils import ErrorDict
from django.template.loader import render_to_string
from django.utils.datastructures import MultiValueDict

VARIANTS = {"primary": "", "secondary": "fr-btn--secondary", "tertiary": "fr-btn--tertiary"}


class Button(TemplateNameMixin):
    """A submit button of the design system: crispy's own carry another framework's classes.

    Extra attributes are written with underscores: `Button("Chercher", formaction="/…", aria_describedby="…")`.
    """

    template = "%s/layout/button.html"

    def __init__(self, label: str, name: str = "", value: str = "", *, variant: str = "primary", icon="", **attrs):
        self.label, self.name, self.value = label, name, value
        icon_classes = f"fr-btn--icon-left {icon}" if icon else ""
        self.css_class = " ".join(filter(None, ["fr-btn", VARIANTS[variant], icon_classes]))
        self.attrs = {key.replace("_", "-"): val for key, val in attrs.items()}

    def render(self, form=None, context=None, template_pack=TEMPLATE_PACK, **kwargs):
        return render_to_string(self.get_template_name(template_pack), {"button": self})


def dsfr_helper(
    *buttons: Button, form_tag: bool = False, action: str = "", method: str = "post", show_convention: bool = True
) -> FormHelper:
    """The helper that every form uses.

    form_tag: the page writes `<form>` itself, unless told otherwise.
    show_convention: whether the form opens with "Sauf mention contraire, tous les champs sont obligatoires".
    """
    helper = FormHelper()
    helper.form_tag = form_tag
    helper.form_action = action
    helper.form_method = method
    helper.disable_csrf = method == "get"
    helper.attrs = {"novalidate": True}  # errors are told in French, beside the field, by the server
    helper.include_media = False
    helper.show_convention = show_convention
    for button in buttons:
        helper.add_input(button)
    return helper


class DsfrBoundField(BoundField):
    """A bound field that may carry warnings: told like errors, without blocking anything."""

    @property
    def warnings(self) -> list[str]:
        return self.form.warnings.get(self.name, [])

    @property
    def aria_describedby(self):
        described = super().aria_describedby
        if described is None or not self.warnings:
            return described
        return f"{described} {self.auto_id}_warning".strip()


class WholeTextarea(forms.Textarea):
    """Takes what is pasted whole: with `maxlength` the browser cuts it in silence. The server says what is too long."""

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        context["widget"]["attrs"].pop("maxlength", None)
        return context


class DsfrForm:
    """Mixin of all forms: `class AskForm(DsfrForm, forms.Form)`, with its `buttons`, then `{% crispy form %}`.

    `half_width` names the fields that share a row with their neighbour on a wide screen.
    """

    bound_field_class = DsfrBoundField
    buttons: tuple[Button, ...] = ()
    half_width: tuple[str, ...] = ()
    show_convention = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.warnings: dict[str, list[str]] = {}
        for name in self.half_width:
            self.fields[name].width = "half"

    @property
    def helper(self) -> FormHelper:
        return dsfr_helper(*self.buttons, show_convention=self.show_convention)


def flatten(raw: Mapping[str, Any], prefix: str = "", data: MultiValueDict | None = None) -> MultiValueDict:
    """The form data that a browser would send for these raw answers."""
    data = MultiValueDict() if data is None else data
    for name, value in raw.items():
        key = f"{prefix}{name}"
        if isinstance(value, bool):
            data.setlist(key, ["on"] if value else [])
        elif isinstance(value, list) and any(isinstance(row, Mapping) for row in value):
            data[f"{key}-rows"] = str(len(value))
            for number, row in enumerate(value):
                flatten(row, f"{key}-{number}-", data)
        elif isinstance(value, list):
            data.setlist(key, value)
        elif value is not None:
            data[key] = str(value)
    return data


class SectionForm(DsfrForm, forms.Form):
    """The form of a section. The section alone judges: the same words here, in the recap and at filing.

        form = SectionForm(section, request.POST)            # what was just typed, judged
        form = SectionForm.from_raw(section, stored)         # what was stored, shown without reproach
        form = SectionForm.from_raw(section, stored, check=True)
        stored = form.raw()                                  # as typed, wrong or not: nothing is lost

    With `check=False` nothing is judged, but `add_problems` may still tell some: those that are not `missing`, say.
    """

    def __init__(self, section, data=None, *, check: bool = True, **kwargs):
        super().__init__(data, **kwargs)
        self.section, self.check = section, check
        for spec in section.fields:
            field = spec.make_form_field()
            field.is_optional, field.width = spec.is_optional, spec.width
            field.depends_on_others = spec.required_if is not None
            self.fields[spec.name] = field

    @classmethod
    def from_raw(cls, section, raw: Mapping[str, Any], *, check: bool = False, **kwargs) -> SectionForm:
        prefix = f"{kwargs['prefix']}-" if kwargs.get("prefix") else ""
        return cls(section, flatten(raw, prefix), check=check, **kwargs)

    def raw(self) -> dict[str, Any]:
        """What was typed, by field name, JSON-able: str, list, bool or rows."""
        return {name: "" if value is None else value for name, value in self._typed()}

    def _typed(self):
        for name, field in self.fields.items():
            yield name, field.widget.value_from_datadict(self.data, self.files, self.add_prefix(name))

    def full_clean(self):
        self._errors = ErrorDict(renderer=self.renderer)
        self.cleaned_data = {}
        if self.is_bound and self.check:
            cleaned = self.section.clean(self.raw())
            self.cleaned_data = dict(cleaned.values)
            self.add_problems(cleaned.problems)

    def add_problems(self, problems: Iterable[Any]) -> None:
        """Tell these problems beside their fields; those that do not block, as warnings."""
        for problem in problems:
            name = problem.field if problem.field in self.fields else None
            if problem.blocking:
                self.add_error(name, problem.message)
                if hasattr(self.fields.get(name), "mark_wrong_cells"):
                    self.fields[name].mark_wrong_cells(self.raw()[name])
            else:
                self.warnings.setdefault(name or "", []).append(problem.message)
