"""The goods list of a corridor: what may travel in which flow, and what each kind of goods needs for it.

The list is the profile's data, never code: entries by HS prefix, rules with dates. No matching entry means refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.customs.documents import Kind
from services.customs.findings import Cited, Finding, Severity
from shared.errors import BadInput


@dataclass(frozen=True, slots=True)
class GoodsRule:
    """Something the goods must have (`label_zh`, `gacc_registration` …), from and to days included."""

    need: str
    source: str
    confirmed: bool
    first: date | None = None
    last: date | None = None

    def in_force(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


@dataclass(frozen=True, slots=True)
class GoodsEntry:
    """One `[[goods]]` entry: `prefix` is the HS code's leading digits, without dots."""

    prefix: str
    flows: frozenset[str]
    rules: tuple[GoodsRule, ...]


def _rule(row: Mapping[str, Any]) -> GoodsRule:
    return GoodsRule(row["need"], row["source"], row["mark"] == "confirmed", row.get("from"), row.get("to"))


def goods_entries(rows: Iterable[Mapping[str, Any]]) -> tuple[GoodsEntry, ...]:
    """The profile's `[[goods]]` tables as read from TOML."""
    try:
        return tuple(
            GoodsEntry(row["hs"].replace(".", ""), frozenset(row["flows"]), tuple(_rule(rule) for rule in row["rules"]))
            for row in rows
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"goods entry incomplete: {error}", where="goods") from error


def entry_for(entries: Sequence[GoodsEntry], hs_code: str, flow: str) -> GoodsEntry | None:
    """The longest prefix decides alone: if it does not name the flow, a shorter one does not help."""
    matching = [entry for entry in entries if hs_code.startswith(entry.prefix)]
    longest = max((len(entry.prefix) for entry in matching), default=0)
    return next((entry for entry in matching if len(entry.prefix) == longest and flow in entry.flows), None)


def needs(entries: Sequence[GoodsEntry], hs_code: str, flow: str, day: date) -> tuple[GoodsRule, ...] | None:
    """What goods of this code need in this flow on this day; None where the list does not have them: refused."""
    entry = entry_for(entries, hs_code, flow)
    return None if entry is None else tuple(rule for rule in entry.rules if rule.in_force(day))


def check_goods(
    entries: Sequence[GoodsEntry], hs_code: str, *, flow: str, day: date, proofs: frozenset[str], line: int
) -> tuple[Finding, ...]:
    """R25 for a code that is not listed; G01 for every need without proof (`proofs`: the needs that are met)."""
    listed = needs(entries, hs_code, flow, day)
    if listed is None or len(hs_code) != 10 or not hs_code.isdecimal():
        wanted = Cited(Kind.INVENTORY, "goods list", f"a code of {flow}")
        return (Finding("R25", Severity.BLOCK, Cited(Kind.INVENTORY, "hs_code", hs_code), wanted, line=line),)
    missing = (rule.need for rule in listed if rule.need not in proofs)
    goods = Cited(Kind.INVENTORY, "hs_code", hs_code)
    return tuple(
        Finding("G01", Severity.BLOCK, Cited(Kind.INVENTORY, "proof", need), goods, line=line) for need in missing
    )
