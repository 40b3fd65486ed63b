"""Every case of expected.json: the documents of a case give exactly the findings and the decision that it names."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

import pytest

from services.customs.documents import BEIJING, Document, InventoryDocument, Kind, ReturnDocument
from services.customs.duplicates import Keyed, Repeat, check_repeat, repeat_of
from services.customs.findings import Finding, Verdict, verdict
from services.customs.match import Papers, Terms, match
from services.customs.providers.ceb import statuses
from services.customs.providers.ceb.inspection import Inspected, inspect
from services.customs.receipts import Progress, advance
from services.customs.returns import check_cancellation, check_return
from shared.money import Money
from tests.customs import cases

EXPECTED = cases.table("expected.json")
KINDS = {
    "order": Kind.ORDER,
    "payment": Kind.PAYMENT,
    "logistics": Kind.WAYBILL,
    "inventory": Kind.INVENTORY,
    "refund": Kind.RETURN,
    "cancel": Kind.CANCELLATION,
}


def inspected(role: str, path: str) -> Inspected:
    return inspect(cases.read(path), KINDS[role.removeprefix("earlier_")], [cases.pinned()], cases.NOW)


def day(text: str) -> datetime:
    return datetime.strptime(text[:8], "%Y%m%d").replace(tzinfo=BEIJING)


def returned_before(case: Mapping[str, Any], documents: Mapping[str, Document | None]) -> dict[int, Decimal]:
    """From an earlier return among the documents, and from quantities by line in the context."""
    sums: dict[int, Decimal] = {}
    earlier = [
        one.items for role, one in documents.items() if role.startswith("earlier_") and isinstance(one, ReturnDocument)
    ]
    for item in (item for items in earlier for item in items):
        sums[item.number] = sums.get(item.number, Decimal(0)) + item.qty
    for lines in (value for value in case["context"].values() if isinstance(value, dict)):
        sums |= {int(number): Decimal(quantity) for number, quantity in lines.items()}
    return sums


def after_sale(case: Mapping[str, Any], documents: Mapping[str, Document | None]) -> list[Finding]:
    context, found = case["context"], list[Finding]()
    if "inventory_state" in context:
        reading = statuses.reading(Kind.INVENTORY, context["inventory_state"])
        found += check_cancellation(advance(Kind.INVENTORY, Progress(), reading, cases.NOW).progress.state)
    inventory, refund = documents.get("inventory"), documents.get("refund")
    if isinstance(refund, ReturnDocument) and isinstance(inventory, InventoryDocument):
        found += check_return(
            inventory,
            refund,
            returned=returned_before(case, documents),
            released_on=day(context["released_at"]).date(),
            today=day(context["today"]).date(),
        )
    return found


def repeats(documents: Mapping[str, Document | None]) -> list[tuple[Keyed, list[Keyed]]]:
    pairs = [(documents.get(role), documents.get(f"earlier_{role}")) for role in ("order", "payment", "logistics")]
    return [(cast("Keyed", one), [cast("Keyed", other)]) for one, other in pairs if one and other]


@pytest.mark.parametrize("case", **cases.named(EXPECTED["cases"]))
def test_the_documents_of_a_case_give_its_findings_and_decision(case: Mapping[str, Any]) -> None:
    seen = {role: inspected(role, path) for role, path in case["documents"].items()}
    documents = {role: one.document for role, one in seen.items()}
    papers = {
        KINDS[role].value: document for role, document in documents.items()
        if role in {"order", "payment", "logistics", "inventory"}
    }  # fmt: skip
    terms = Terms(
        used=Money.parse(case["context"].get("quota_used", "0"), "CNY"),
        goods_list=EXPECTED["test_goods_list"],
        rates=cases.rates,
    )

    found = [finding for one in seen.values() for finding in one.findings]
    found += match(Papers(**cast("dict[str, Any]", papers)), terms)
    found += after_sale(case, documents)
    found += [finding for one, earlier in repeats(documents) for finding in check_repeat(one, earlier)]

    same = [one for one, earlier in repeats(documents) if repeat_of(one, earlier) is Repeat.SAME]
    assert sorted({finding.rule for finding in found}) == sorted(case["findings"])
    assert (Verdict.IDEMPOTENT if same and not found else verdict(found)) == case["decision"]
    for value in (finding.as_value() for finding in found):
        assert value.theirs  # what it was held against; ours may be missing, which is the finding
        assert value.fix_en
        assert any("\u4e00" <= letter <= "\u9fff" for letter in value.fix_zh)


@pytest.mark.parametrize("case", **cases.named(EXPECTED["cases"]))
def test_exactly_the_named_documents_break_the_schema(case: Mapping[str, Any]) -> None:
    broken = [
        path
        for role, path in case["documents"].items()
        if any(finding.rule == "X01" for finding in inspected(role, path).findings)
    ]

    assert broken == case["xsd_invalid"]
