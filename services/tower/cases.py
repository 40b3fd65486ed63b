"""Cases of all services as one list: each service names the parts of a case in its own way. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from services.tower.story import Story

# Who keeps cases of its own, and where it lists the open ones. Those of orders are facts, and so are known here.
LISTS: Final[Mapping[str, str]] = {
    "payments": "/v1/payments/cases",
    "logistics": "/v1/shipments/cases",
    "customs": "/v1/customs/cases",
}
# What closes a case, with a note: payments and logistics number theirs in each order, customs has one of a kind.
CLOSES: Final[Mapping[str, str]] = {
    "orders": "/v1/orders/{order_id}/conflicts/{number}/close",
    "payments": "/v1/payments/{order_id}/cases/{number}/close",
    "logistics": "/v1/orders/{order_id}/shipment/cases/{number}/close",
    "customs": "/v1/customs/cases/{order_id}/{code}/close",
}
CONFLICT: Final = "conflict"
_LAST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Case:
    """Something that a service has opened for a person; nothing irreversible happens in it meanwhile.

    `number`: the service's own among the cases of this order, "" where its cases have none.
    """

    service: str
    order_id: str
    code: str
    detail: str
    at: datetime | None = None
    number: str = ""

    @property
    def closed_by(self) -> str:
        """Method and path at the service that keeps it; "" for a case that cannot be named."""
        template = CLOSES.get(self.service, "")
        if not template or ("{number}" in template and not self.number):
            return ""
        given = {"order_id": self.order_id, "number": self.number, "code": self.code}
        return "POST " + template.format_map({name: quote(text, safe="") for name, text in given.items()})


def cases(service: str, answer: Mapping[str, Any]) -> tuple[Case, ...]:
    """The open cases in a service's list of them, or in its view of one order."""
    found: list[Case] = []
    for row in answer.get("cases", ()):
        order = str(row.get("order_id") or answer.get("order_id", ""))
        found += [_case(service, order, each) for each in row.get("cases", (row,)) if not each.get("closed_at")]
    return tuple(found)


def _case(service: str, order: str, row: Mapping[str, Any]) -> Case:
    code, detail, at = (_first(row, *names) for names in (("code", "what"), ("detail",), ("at", "opened_at")))
    number = _first(row, "number")
    return Case(service, order, code or "case", detail, datetime.fromisoformat(at) if at else None, number)


def _first(row: Mapping[str, Any], *names: str) -> str:
    return next((str(row[name]) for name in names if row.get(name)), "")


def of_story(story: Story) -> tuple[Case, ...]:
    """Orders' own, as its facts tell them; those of an older order have no number."""
    found = [Case("orders", story.id, CONFLICT, detail, number=n) for n, detail in story.open_cases.items()]
    if story.conflicts and not story.open_cases:
        found.append(Case("orders", story.id, CONFLICT, story.conflict))
    return tuple(found)


def oldest_first(found: Iterable[Case]) -> tuple[Case, ...]:
    return tuple(sorted(found, key=lambda case: (case.at or _LAST, case.service, case.order_id)))
