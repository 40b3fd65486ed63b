"""What operators and sellers read of one order's money, and how a case is closed."""

from __future__ import annotations

import pytest

from services.payments.commands import PaidTold
from tests.payments.house import House
from tests.payments.till import ORDER, SELLER, TOTAL, number, paid


@pytest.fixture
async def mispaid(house: House) -> House:
    """One charge of a wrong amount: a case."""
    await house.preload(number(), TOTAL)
    await house.hear(PaidTold(ORDER, paid(minor=12899)))
    return house


async def test_an_orders_money_is_shown_with_its_lines(house: House) -> None:
    await house.preload(number(), TOTAL)
    await house.hear(PaidTold(ORDER, paid()))

    view = (await house.ask(f"/v1/payments/{ORDER}")).json()
    [attempt], [journal] = view["attempts"], view["journals"]

    assert (view["seller"], attempt["provider"], attempt["out_trade_no"]) == (SELLER, "wechat", number())
    assert sum(line["minor"] for line in journal["lines"]) == 0
    assert view["escrow"] == {"minor": 12900, "currency": "CNY"}
    assert [call["kind"] for call in view["calls"]] == ["declare-payment"]
    assert view == (await house.money()).json()


async def test_another_sellers_money_is_as_good_as_none(house: House) -> None:
    await house.preload(number(), TOTAL, provider="alipay")  # of another seller than the token's

    assert (await house.ask(f"/v1/payments/{ORDER}", "seller")).status_code == 404
    assert (await house.ask(f"/v1/payments/{ORDER}")).status_code == 200


async def test_a_case_is_listed_until_an_operator_closes_it(mispaid: House) -> None:
    [listed] = (await mispaid.ask("/v1/payments/cases")).json()["cases"]
    [case] = listed["cases"]
    closed = await close(mispaid, case["number"])

    assert (listed["order_id"], case["what"], closed) == (ORDER, "wrong_amount", 202)
    assert (await mispaid.ask("/v1/payments/cases")).json() == {"cases": []}
    assert (await mispaid.ask(f"/v1/payments/{ORDER}")).json()["cases"] == []


async def test_only_an_operator_closes_a_case(mispaid: House) -> None:
    assert await close(mispaid, 1, "seller") == 403
    assert len((await mispaid.ask("/v1/payments/cases")).json()["cases"]) == 1


async def test_a_case_that_is_not_there_is_not_closed(mispaid: House) -> None:
    assert await close(mispaid, 2) == 422
    assert len((await mispaid.ask("/v1/payments/cases")).json()["cases"]) == 1


async def close(house: House, number: int, role: str = "operator") -> int:
    headers = {"Authorization": f"Bearer {house.tokens[role]}"}
    return (await house.client.post(f"/v1/payments/{ORDER}/cases/{number}/close", headers=headers)).status_code
