"""A form field made of rows, for tables such as the internships: no JavaScript needed, two spare rows each time.

Where a page knows what to do with it (`can_grow`), a button asks for one row more: it submits the form as
`add-row=<name of the field>`.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

SPARE_ROWS = 2


class TableWidget(forms.Widget):
    """Inputs named `name-row-column`, and a hidden `name-rows` that says how many rows were shown."""

    template_name = "dossiers/table_widget.html"
    use_fieldset = True

    def __init__(self, columns, rows: int, max_rows: int):
        super().__init__()
        self.columns, self.rows, self.max_rows = columns, rows, max_rows
        self.can_grow = False
        self.cells = {column.name: column.make_form_field().widget for column in columns}
        self.wrong: dict[tuple[int, str], list[str]] = {}  # what is told of a cell, by row and column

    def value_from_datadict(self, data, files, name) -> list[dict[str, Any]]:
        rows = [
            {key: cell.value_from_datadict(data, files, f"{name}-{number}-{key}") for key, cell in self.cells.items()}
            for number in range(self.shown_rows(data, name))
        ]
        return [row for row in rows if any(row.values())]

    def shown_rows(self, data, name) -> int:
        """How many rows the page that sent this had, within bounds."""
        try:
            return min(max(int(data.get(f"{name}-rows", 0)), 0), self.max_rows)
        except ValueError:
            return 0

    def value_omitted_from_data(self, data, files, name) -> bool:
        return f"{name}-rows" not in data

    def id_for_label(self, id_):
        return ""  # a group of inputs: its legend names it

    def get_context(self, name, value, attrs):
        context = super().get_context(name, None, attrs)
        filled = value if isinstance(value, list) else []
        count = min(max(self.rows, len(filled) + SPARE_ROWS), self.max_rows)
        base = (attrs or {}).get("id", f"id_{name}")
        context["widget"] |= {
            "columns": self.columns,
            "count": count,
            "can_grow": self.can_grow and count < self.max_rows,
            "rows": [
                [
                    self._cell(name, base, number, column, filled[number] if number < len(filled) else {})
                    for column in self.columns
                ]
                for number in range(count)
            ],
        }
        return context

    def _cell(self, name: str, base: str, number: int, column, row: dict[str, Any]) -> dict[str, Any]:
        attrs, errors = {"id": f"{base}-{number}-{column.name}"}, self.wrong.get((number, column.name), [])
        if errors:
            attrs |= {"aria-invalid": "true", "aria-describedby": f"{attrs['id']}_error"}
        cell = self.cells[column.name].get_context(f"{name}-{number}-{column.name}", row.get(column.name), attrs)
        return {"column": column, "id": attrs["id"], "input": cell["widget"], "errors": errors}


class TableFormField(forms.Field):
    def __init__(self, *, columns, rows: int, max_rows: int, **kwargs):
        self.columns, self.max_rows = columns, max_rows
        super().__init__(widget=TableWidget(columns, rows, max_rows), **kwargs)

    def clean(self, value: Any) -> list[dict[str, Any]]:
        rows, wrong = self._judged(value)
        labels = {column.name: column.label for column in self.columns}
        told = [
            f"Ligne {number + 1}, {labels[name]} : {message}"
            for (number, name), messages in wrong.items()
            for message in messages
        ]
        if told:
            raise ValidationError(told)
        return rows

    def mark_wrong_cells(self, value: Any) -> None:
        """So that the page tells what is wrong beside the cell too."""
        self.widget.wrong = self._judged(value)[1]

    def _judged(self, value: Any) -> tuple[list[dict[str, Any]], dict[tuple[int, str], list[str]]]:
        """The clean rows, and what is wrong, by row and column."""
        rows: list[dict[str, Any]] = []
        wrong: dict[tuple[int, str], list[str]] = {}
        typed = [raw for raw in value if isinstance(raw, dict)] if isinstance(value, list) else []
        for number, raw in enumerate(typed):
            row = {}
            for column in self.columns:
                try:
                    row[column.name] = column.clean(raw.get(column.name))
                    if column.is_empty(row[column.name]) and column.is_required(row):
                        raise ValidationError(column.missing_message)
                except ValidationError as error:
                    wrong[number, column.name] = error.messages
            rows.append(row)
        return rows, wrong
