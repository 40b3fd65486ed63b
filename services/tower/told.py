"""What a fact's sentence needs, as short texts. Personal values only masked; a payment QR is nobody's reading."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from shared.events.base import Event
from shared.events.values import Amounts, Finding, Sealed, StockLine, Valuation
from shared.money import Money

_UNTOLD: Final = frozenset({"order_id", "seller", "qr"})
_LONGEST: Final = 240


def told(fact: Event) -> dict[str, str]:
    """Field → text, for every field that can be said in a few words."""
    return {
        name: text[:_LONGEST]
        for field in type(fact).model_fields
        if field not in _UNTOLD
        for name, text in _said(field, getattr(fact, field))
        if text
    }


def _said(name: str, value: object) -> Iterator[tuple[str, str]]:
    match value:
        case None:
            return
        case Money():
            yield name, amount(value)
        case Amounts():
            yield "total", amount(value.total)
        case Valuation():
            yield from (("total", amount(value.total)), ("goods", amount(value.goods)), ("tax", amount(value.tax)))
        case Sealed():
            yield name, value.masked
        case datetime():
            yield name, value.isoformat()
        case bool():
            yield name, str(value).lower()
        case str() | int():
            yield name, str(value)
        case tuple():
            yield name, _listed(value)
        case _:  # what says who declares, and its like: too much for a sentence
            return


def _listed(values: tuple[object, ...]) -> str:
    """Codes and SKUs by name, everything else by its count."""
    if not values:
        return ""
    if all(isinstance(value, str) for value in values):
        return ", ".join(map(str, values))
    if all(isinstance(value, Finding) for value in values):
        return ", ".join(value.code for value in values if isinstance(value, Finding))
    if all(isinstance(value, StockLine) for value in values):
        return ", ".join(f"{value.quantity} × {value.sku}" for value in values if isinstance(value, StockLine))
    return str(len(values))


def amount(money: Money) -> str:
    """With thousands commas and the real minus sign, the same in every language: `CNY 1,290.00`, `CNY −5.00`."""
    whole, _, cents = money.major().lstrip("-").partition(".")
    sign = "−" if money.minor < 0 else ""
    return f"{money.currency} {sign}{int(whole):,}{'.' if cents else ''}{cents}"
