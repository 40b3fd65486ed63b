"""Cases of all services as one list: each service names the parts of a case in its own way. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

# Who keeps cases of its own, and where it lists the open ones. Those of orders are facts, and so are known here.
LISTS: Final[Mapping[str, str]] = {
    "payments": "/v1/payments/cases",
    "logistics": "/v1/shipments/cases",
    "customs": "/v1/customs/cases",
}
_LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """Something that a service has opened for a person; nothing irreversible happens in it meanwhile."""

    service: str
    order_id: str
    code: str
    detail: str
    at: datetime | None = None


def cases(service: str, answer: Mapping[str, Any]) -> tuple[Case, ...]:
    """The open cases in a service's list of them, or in its view of one order."""
    found: list[Case] = []
    for row in answer.get("cases", ()):
        order = str(row.get("order_id") or answer.get("order_id", ""))
        found += [_case(service, order, each) for each in row.get("cases", (row,)) if not each.get("closed_at")]
    return tuple(found)


def _case(service: str, order: str, row: Mapping[str, Any]) -> Case:
    code, detail, at = (_first(row, *names) for names in (("code", "what"), ("detail",), ("at", "opened_at")))
    return Case(service, order, code or "case", detail, datetime.fromisoformat(at) if at else None)


def _first(row: Mapping[str, Any], *names: str) -> str:
    return next((str(row[name]) for name in names if row.get(name)), "")


def oldest_first(found: Iterable[Case]) -> tuple[Case, ...]:
    return tuple(sorted(found, key=lambda case: (case.at or _LAST, case.service, case.order_id)))
