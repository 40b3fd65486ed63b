"""Order, payment, waybill and inventory side by side: the fields that customs compares, and which agree. Pure.

Of persons only what may be shown: that two documents name the same one is known from fingerprints and from the payment
company's own comparison, so nobody is opened for it. A cell is None where that document does not have the field, or
nobody told us.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.customs.codebook import customs_country
from services.customs.documents import yuan
from services.customs.dossier import Dossier
from services.customs.parts import Paid, Waybill
from services.customs.policy import Policy
from services.customs.pricing import PricedLine
from services.customs.submission import Submission
from shared.errors import Failure
from shared.events.values import Finding, Goods, Sealed
from shared.money import Money

Cell = str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One compared field. `agrees` is None where nobody can say."""

    rule: str
    field: str
    order: Cell = None
    payment: Cell = None
    waybill: Cell = None
    inventory: Cell = None
    agrees: bool | None = None
    line: int | None = None

    def judged(self, findings: Sequence[Finding]) -> Row:
        """By its values, unless the match found something: that looked behind the masks."""
        told = [each for each in (self.order, self.payment, self.waybill, self.inventory) if each]
        alike = len(set(told)) == 1 if len(told) > 1 else None  # one alone has nothing to agree with
        agrees = self.agrees if self.agrees is not None else alike
        codes = {finding.code.partition(".")[0] for finding in findings if self._meant(finding)}
        return replace(self, agrees=False if self.rule in codes else agrees)

    def _meant(self, finding: Finding) -> bool:
        """A rule of lines speaks of one line."""
        return self.line is None or finding.field.endswith(f"[{self.line}]")


def side_by_side(policy: Policy, dossier: Dossier) -> dict[str, Any]:
    """Of the version at hand, or of what is there so far."""
    sub = dossier.submission
    findings = sub.findings if sub else ()
    rows = [row.judged(findings) for row in _rows(policy, dossier)]
    return {
        "version": sub.version if sub else None,
        "declared_by": dossier.sale.declared_by if dossier.sale else None,
        "rows": rows,
        "disagree": sum(row.agrees is False for row in rows),
    }


def _rows(policy: Policy, dossier: Dossier) -> Iterator[Row]:
    sub, paid = dossier.submission, dossier.paid
    waybill = sub.waybill if sub and sub.waybill.number else dossier.waybill
    number = sub.order_no if sub else None
    yield Row("R01", "order_no", number, paid.order_no if paid else None, None, number)
    yield from _parties(policy, dossier)
    yield from _money(dossier, paid)
    yield from _people(dossier, sub, paid, waybill)
    yield Row("R09", "logistics_no", waybill=_text(waybill.number), inventory=_text(waybill.number) if sub else None)
    yield Row("R09", "logistics_code", waybill=_text(waybill.code), inventory=_text(waybill.code) if sub else None)
    yield from _transport(dossier)
    yield from _goods(dossier)


def _text(value: str) -> Cell:
    return value or None


def _parties(policy: Policy, dossier: Dossier) -> Iterator[Row]:
    """A shop whose documents the platform makes has no registrations here."""
    if dossier.sale is None:
        return
    try:
        parties = policy.parties(dossier.sale)
    except Failure:
        return
    yield Row("R08", "ebp_code", parties.platform.code, parties.platform.code, None, parties.platform.code)
    yield Row("R08", "ebc_code", parties.seller.code, inventory=parties.seller.code)


def _money(dossier: Dossier, paid: Paid | None) -> Iterator[Row]:
    value = dossier.assessment.valuation if dossier.assessment else None
    yield Row("R02", "actual_paid", _yuan(value.total if value else None), _yuan(paid.amount if paid else None))
    number = _text(f"{paid.pay_code} {paid.transaction_id}") if paid else None
    yield Row("R04", "pay_transaction_id", number, number)
    if value is not None:
        yield Row("R16", "goods_value", _yuan(value.goods))
        yield Row("R26", "tax_total", _yuan(value.tax))
        yield Row("R03", "freight", _yuan(value.freight + value.insurance), inventory=_yuan(value.freight))


def _yuan(amount: Money | None) -> Cell:
    if amount is None:
        return None
    return f"{yuan(amount):f}" if amount.currency == "CNY" else str(amount)


def _people(dossier: Dossier, sub: Submission | None, paid: Paid | None, waybill: Waybill) -> Iterator[Row]:
    person = (sub.person if sub else None) or dossier.person
    buyer = person.masked if person else None
    same = {"same": True, "different": False}.get(paid.identity_check) if paid else None
    payer = {True: buyer, False: "another person"}.get(same) if same is not None else None
    yield Row("R05", "buyer", buyer, payer, agrees=same)
    yield Row("R10", "buyer_on_inventory", buyer, inventory=buyer if sub else None)
    yield _receiver(dossier.recipient, waybill)
    receiver = dossier.recipient.masked if dossier.recipient else None
    yield Row("R11", "receiver_on_inventory", receiver, inventory=receiver if sub else None)


def _receiver(recipient: Sealed | None, waybill: Waybill) -> Row:
    """The carrier tells for whom it declared; one that tells nothing leaves it open."""
    shown = recipient.masked if recipient else None
    known = bool(recipient and waybill.declared_for)
    same = recipient.fingerprint == waybill.declared_for if recipient and known else None
    theirs = {True: shown, False: "another receiver"}.get(same) if same is not None else None
    return Row("R07", "receiver", shown, waybill=theirs, agrees=same)


def _transport(dossier: Dossier) -> Iterator[Row]:
    if dossier.sale is None or not dossier.sale.direct:
        return
    cargo = dossier.cargo
    for field, value in (("bill_no", cargo.master_bill), ("voyage_no", cargo.voyage), ("traf_no", cargo.vehicle)):
        yield Row("R19", field, inventory=_text(value))
    yield Row("R27", "gross_kg", inventory=f"{cargo.gross_grams / 1000:.3f}" if cargo.gross_grams else None)


def _goods(dossier: Dossier) -> Iterator[Row]:
    if dossier.assessment is None or dossier.sale is None:
        return
    known = {goods.line: goods for goods in dossier.goods}
    lines = dossier.sale.lines
    for number, line in enumerate(dossier.assessment.lines, start=1):
        goods = known.get(lines[line.source].number)
        if goods is not None:
            yield from _goods_line(number, line, goods)


def _goods_line(number: int, line: PricedLine, goods: Goods) -> Iterator[Row]:
    fields = (
        ("R13", "goods_name", goods.name_zh),
        ("R14", "qty", f"{line.quantity} x {goods.unit}"),
        ("R14", "price", _yuan(line.price)),
        ("R14", "total_price", _yuan(line.total)),
        ("R14", "country", customs_country(goods.origin)),
    )
    for rule, field, value in fields:
        yield Row(rule, field, value, inventory=value, line=number)
