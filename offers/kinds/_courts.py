"""The tribunaux judiciaires that an application is addressed to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from dossiers.fields import Choices, MultipleChoice
from offers.data import appeal_courts, courts


def court_choices() -> Choices:
    """The courts in the order of their cour d'appel, which the label recalls."""
    appeal = {court.code: court.name for court in appeal_courts()}
    return tuple(
        (court.code, f"{court.name} ({court.department}) – {appeal[court.appeal_court]}") for court in courts()
    )


@dataclass(frozen=True)
class Courts(MultipleChoice):
    """Courts, told with what one needs to find them: département, cour d'appel, postal address."""

    type: ClassVar[str] = "table"

    def entry(self, value: Any) -> dict[str, Any]:
        appeal = {court.code: court.name for court in appeal_courts()}
        chosen = [court for court in courts() if court.code in (value or ())]
        rows = [[court.name, court.department, appeal[court.appeal_court], court.address] for court in chosen]
        columns = ["Tribunal judiciaire", "Département", "Cour d’appel", "Adresse postale"]
        return super().entry(value) | {"columns": columns, "rows": rows}
