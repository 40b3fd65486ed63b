"""What operators and sellers read of one order's money, and how a case is closed."""

from __future__ import annotations

import json

import httpx
import pytest

from services.payments.commands import PaidTold
from services.payments.outcomes import meaning
from services.payments.providers.base import AlreadyPaid, Busy, NotFound, ProviderRefused, Unanswered
from shared.errors import Failure, Transient, Unknown
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

    assert (listed["order_id"], case["what"]) == (ORDER, "wrong_amount")
    assert (closed.status_code, closed.json()) == (200, {"cases": []})
    assert (await mispaid.ask("/v1/payments/cases")).json() == {"cases": []}
    assert (await mispaid.ask(f"/v1/payments/{ORDER}")).json()["cases"] == []


async def test_a_case_that_is_closed_again_keeps_its_first_note_and_is_answered_the_same(mispaid: House) -> None:
    first, again = await close(mispaid, 1), await close(mispaid, 1, note="once more")

    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (200, {"cases": []})
    [case] = (await mispaid.ask(f"/v1/payments/{ORDER}")).json()["closed_cases"]
    assert (case["number"], case["note"], case["by"]) == (1, "found on the bank's list", "dev-operator")


async def test_what_is_left_open_is_told(mispaid: House) -> None:
    await mispaid.hear(PaidTold(ORDER, paid(minor=12898, transaction="T2")))
    [_, other] = (await mispaid.ask(f"/v1/payments/{ORDER}")).json()["cases"]

    answer = await close(mispaid, 1)

    assert answer.json() == {"cases": [{"number": other["number"], "code": other["what"]}]}


async def test_only_an_operator_closes_a_case(mispaid: House) -> None:
    assert (await close(mispaid, 1, "seller")).status_code == 403
    assert len((await mispaid.ask("/v1/payments/cases")).json()["cases"]) == 1


@pytest.mark.parametrize("number", [-1, 0, 2])
async def test_a_case_that_is_not_there_is_not_closed(mispaid: House, number: int) -> None:
    answer = await close(mispaid, number)

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert len((await mispaid.ask("/v1/payments/cases")).json()["cases"]) == 1


async def test_a_case_is_not_closed_without_a_note_nor_in_an_order_that_is_not_there(mispaid: House) -> None:
    assert (await close(mispaid, 1, note=" ")).status_code == 400
    assert (await close(mispaid, 1, order="nobody")).status_code == 404
    assert (await mispaid.ask(f"/v1/payments/{ORDER}")).json()["closed_cases"] == []


async def close(
    house: House, number: int, role: str = "operator", *, note: str = "found on the bank's list", order: str = ORDER
) -> httpx.Response:
    """Without a content type, as a script sends it."""
    headers = {"Authorization": f"Bearer {house.tokens[role]}"}
    body = json.dumps({"note": note}).encode()
    return await house.client.post(f"/v1/payments/{order}/cases/{number}/close", headers=headers, content=body)


@pytest.mark.parametrize("failure", [ProviderRefused, AlreadyPaid, NotFound, Busy, Unanswered, Transient, Unknown])
def test_whatever_a_provider_fails_with_has_a_sentence(failure: type[Failure]) -> None:
    assert failure.code not in str(meaning(failure.code))
    assert (meaning(""), meaning("input.malformed")) == (None, "it failed: input.malformed")
