"""Cancelling and returning: states, days, quantities, and tax that comes back without losing a fen."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.customs.receipts import State
from services.customs.returns import check_cancellation, check_return, part_of, restored
from services.customs.tariff import NOTHING, Rates, TaxedLine, Treatment, line_taxes
from shared.money import Money
from tests.customs.papers import inventory, refund

RELEASED = date(2026, 3, 2)


def rules(*, qty: str = "1", days: int = 0, returned: dict[int, Decimal] | None = None, **line: object) -> list[str]:
    asked = refund(qty, **line)  # type: ignore[arg-type]
    found = check_return(
        inventory(), asked, returned=returned or {}, released_on=RELEASED, today=RELEASED + timedelta(days=days)
    )
    return [finding.rule for finding in found]


@pytest.mark.parametrize("state", sorted(State))
def test_only_what_customs_has_and_has_not_released_can_be_cancelled(state: State) -> None:
    allowed = {State.STORED, State.MANUAL_REVIEW, State.EXAMINED}

    assert (check_cancellation(state) == ()) is (state in allowed)


def test_the_thirtieth_day_is_the_last() -> None:
    assert rules(days=30) == []
    assert rules(days=31) == ["R30"]


def test_no_more_is_returned_than_is_left() -> None:
    assert rules(qty="2") == []
    assert rules(qty="3") == ["R28"]
    assert rules(qty="2", returned={1: Decimal(1)}) == ["R28"]
    assert rules(qty="0") == ["R28"]


def test_a_return_names_lines_of_its_inventory() -> None:
    assert rules(number=2) == ["R28"]
    assert rules(hs_code="0902101000") == ["R28"]


WINE = Rates(Decimal("0.13"), Decimal("0.10"))


@given(st.integers(1, 500_000), st.integers(1, 12), st.data())
def test_what_comes_back_and_what_stays_is_what_was_paid(base_fen: int, quantity: int, data: st.DataObject) -> None:
    kept = data.draw(st.integers(0, quantity))
    base = Money(base_fen, "CNY")
    line = TaxedLine(base, NOTHING, NOTHING, NOTHING, *line_taxes(base, WINE, Decimal(0), Treatment.REDUCED))
    back = restored(line, WINE, treatment=Treatment.REDUCED, quantity=quantity, kept=kept)
    stays = part_of(base, kept, quantity)

    assert back.base + stays == base
    assert back.tax.minor >= 0
    assert back.tax + sum(line_taxes(stays, WINE, Decimal(0), Treatment.REDUCED), NOTHING) == line.tax
    assert (back.tax == line.tax) if kept == 0 else True
    assert back.tax == NOTHING if kept == quantity else True
