"""May this order be declared, and at which value and tax: goods list, limits, yearly amount, price taken apart. Pure.

The yearly amount is handed in and the amount to book comes back: whoever decides holds the person's lane.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from services.customs.compose import rates_of
from services.customs.documents import Kind, yuan
from services.customs.dossier import Dossier
from services.customs.findings import Cited, Severity
from services.customs.findings import Finding as Found
from services.customs.goods import GoodsEntry, check_goods
from services.customs.identity import is_masked, normal_id, normal_name, normal_phone
from services.customs.parts import Assessment, Sale
from services.customs.pricing import Priced, Sold, from_included, priced
from services.customs.tariff import NOTHING, Limits, Refusal, Treatment, admit, treatment_of
from shared.errors import BadInput
from shared.events.values import Amounts, Finding, Goods, Valuation
from shared.money import Money
from shared.security.personal import Person, id_number_is_valid

INCLUDED: Final = "included"
RESIDENT_CARD: Final = "1"  # the only document that is accepted in practice, although the schema knows a second one


@dataclass(frozen=True, slots=True)
class Rules:
    """The day's limits and goods list; `proofs` are the needs of goods that this installation has shown to be met."""

    entries: Sequence[GoodsEntry]
    proofs: frozenset[str]
    limits: Limits
    day: date
    tax: Literal["included", "extra"]


@dataclass(frozen=True, slots=True)
class Assessed:
    """`base` is what an admitted order takes of the person's yearly amount."""

    assessment: Assessment
    base: Money | None = None


def ordered_goods(sale: Sale, goods: Sequence[Goods]) -> tuple[Goods, ...]:
    """One per sold line, in the order of the sale. BadInput where a line has none: another sale's goods."""
    known = {one.line: one for one in goods}
    try:
        return tuple(known[line.number] for line in sale.lines)
    except KeyError as error:
        raise BadInput("the reservation has no goods for a line", where=f"line {error.args[0]}") from error


def assess(dossier: Dossier, rules: Rules, used: Money) -> Assessed:
    """One answer for the whole order; `used` is the person's yearly amount without this order."""
    sale = dossier.sale
    assert sale is not None
    goods = ordered_goods(sale, dossier.goods)
    unlisted = tuple(_goods_findings(sale, goods, rules))
    if unlisted:
        return _refused("goods_list", unlisted)
    if sale.observed and sale.amounts.tax is not None:
        return _as_told(dossier.valuations + 1, sale, sale.amounts.tax, rules.limits)
    outcome = _taken_apart(sale, goods, rules, used)
    if isinstance(outcome, Refusal):
        return _refused(outcome.value, (_limit_finding(outcome, sale.amounts, used, rules.limits),))
    if rules.tax != INCLUDED and outcome.taxed.tax != sale.amounts.tax:
        return _refused("tax_differs", (_tax_finding(sale.amounts, outcome),))
    return _made(dossier.valuations + 1, outcome)


def _goods_findings(sale: Sale, goods: Sequence[Goods], rules: Rules) -> Iterator[Finding]:
    for one in goods:
        found = check_goods(
            rules.entries, one.hs_code, flow=sale.flow, day=rules.day, proofs=rules.proofs, line=one.line
        )
        yield from (finding.as_value() for finding in found)


def _sold(sale: Sale, goods: Sequence[Goods]) -> list[Sold]:
    return [Sold(line.gross, line.quantity, rates_of(one)) for line, one in zip(sale.lines, goods, strict=True)]


def _taken_apart(sale: Sale, goods: Sequence[Goods], rules: Rules, used: Money) -> Priced | Refusal:
    sold, amounts = _sold(sale, goods), sale.amounts
    if rules.tax == INCLUDED:
        return from_included(
            sold, amounts.total, freight=amounts.shipping, discount=amounts.discount, used=used, limits=rules.limits
        )
    return _on_top(sold, amounts, used, rules.limits)


def _as_told(version: int, sale: Sale, tax: Money, limits: Limits) -> Assessed:
    """The platform declares at its own amounts: they are taken as they are, and held against the limits."""
    amounts = sale.amounts
    goods = amounts.total + amounts.discount - amounts.shipping - tax
    base, articles = goods + amounts.shipping, sum(line.quantity for line in sale.lines)
    admitted = admit(base, articles, NOTHING, limits)
    if isinstance(admitted, Refusal):
        return _refused(admitted.value, (_limit_finding(admitted, amounts, NOTHING, limits),))
    valuation = Valuation(
        version=version,
        goods=goods,
        freight=amounts.shipping,
        insurance=NOTHING,
        discount=amounts.discount,
        tax=tax,
        total=amounts.total,
    )
    return Assessed(Assessment(valuation), base)


def _on_top(sold: Sequence[Sold], amounts: Amounts, used: Money, limits: Limits) -> Priced | Refusal:
    """The shop shows goods and tax apart: the goods value is what was shown."""
    articles, goods = sum(line.quantity for line in sold), Money(sum(line.payable.minor for line in sold), "CNY")
    base = goods + amounts.shipping
    admitted = admit(base, articles, used, limits)
    if isinstance(admitted, Refusal):
        return admitted
    treatment = treatment_of(base, articles, limits) or Treatment.REDUCED
    return priced(sold, goods, freight=amounts.shipping, discount=amounts.discount, treatment=treatment)


def _made(version: int, outcome: Priced) -> Assessed:
    taxed = outcome.taxed
    valuation = Valuation(
        version=version,
        goods=taxed.goods,
        freight=taxed.freight,
        insurance=taxed.insurance,
        discount=taxed.discount,
        tax=taxed.tax,
        total=taxed.paid,
    )
    return Assessed(Assessment(valuation, outcome.lines), taxed.base)


def _refused(reason: str, findings: tuple[Finding, ...]) -> Assessed:
    return Assessed(Assessment(None, findings=findings, reason=reason))


def _limit_finding(refusal: Refusal, amounts: Amounts, used: Money, limits: Limits) -> Finding:
    rule, field, limit = {
        Refusal.SINGLE_LIMIT: ("R21", "total_with_tax", limits.single),
        Refusal.ANNUAL_LIMIT: ("R22", "total_with_tax", limits.annual - used),
        Refusal.NO_GOODS_VALUE: ("R03", "goods_value", amounts.total),
    }[refusal]
    here, there = Cited(Kind.ORDER, field, str(yuan(amounts.total))), Cited(Kind.ORDER, "limit", str(yuan(limit)))
    return Found(rule, Severity.BLOCK, here, there).as_value()


def _tax_finding(amounts: Amounts, outcome: Priced) -> Finding:
    shown = "" if amounts.tax is None else str(yuan(amounts.tax))
    here, there = Cited(Kind.ORDER, "tax_total", shown), Cited(Kind.ORDER, "computed", str(yuan(outcome.taxed.tax)))
    return Found("R26", Severity.BLOCK, here, there).as_value()


# What the form of an identity document may lack, in the words of the identity check.
_IDENTITY: Final[Mapping[str, tuple[str, str, str]]] = {
    "type": (
        "buyer_id_type",
        "Only the resident identity card is accepted: ask the buyer for it.",
        "仅接受居民身份证：请订购人提供身份证。",
    ),
    "number": (
        "buyer_id_number",
        "Ask the buyer for the correct ID number.",
        "身份证号码校验不通过：请订购人更正。",
    ),
    "name": (
        "buyer_name",
        "Ask the buyer for the whole name as on the identity card.",
        "请订购人提供与身份证一致的完整姓名。",
    ),
    "phone": ("buyer_telephone", "Ask the buyer for a phone number.", "请订购人提供联系电话。"),
}


def identity_problem(person: Person) -> str:
    """A word of the table above, or nothing. Form only: whether number and name belong together is customs' to ask."""
    if person.id_type != RESIDENT_CARD:
        return "type"
    if not id_number_is_valid(normal_id(person.id_number)):
        return "number"
    if not normal_name(person.name) or is_masked(person.name):
        return "name"
    return "" if normal_phone(person.phone) else "phone"


def identity_refused(problem: str, masked: str) -> Assessment:
    """`problem` is the check's word, `masked` what people may see of the person."""
    field, english, chinese = _IDENTITY[problem]
    finding = Finding("R24", f"order.{field}", masked, "", english, chinese)
    return Assessment(None, findings=(finding,), reason="identity")
