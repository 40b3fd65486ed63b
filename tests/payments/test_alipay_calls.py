"""Alipay's calls from their work rows to the gateway and back into the database, over the real worker."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.payments import commands
from services.payments.commands import PaidTold
from shared.events import orders
from shared.events.payments import PaymentDeclared, PaymentOpened
from shared.events.values import Sealed
from shared.security.personal import Person, seal_person
from tests.payments.alipay_provider import AlipayPeer
from tests.payments.house import House
from tests.payments.till import NOW, ORDER, TOTAL, names, number, paid

TRADE = "2026030122001400000000000001"
BUYER = Person("测试甲", "1", "110101199003070010", "13800000000")
SELLER = "coast-growers"


def requested(person: Sealed | None = None) -> orders.PaymentRequested:
    return orders.PaymentRequested(
        order_id=ORDER, seller=SELLER, part="whole", attempt=1, amount=TOTAL, title="Kenya tea = 100/g & more",
        shop="lamu-tea-house", person=person, expires_at=NOW + timedelta(hours=1),
    )  # fmt: skip


def close() -> orders.PaymentCloseRequested:
    return orders.PaymentCloseRequested(order_id=ORDER, seller=SELLER, attempt=1)


def refund() -> orders.RefundRequested:
    return orders.RefundRequested(order_id=ORDER, seller=SELLER, refund_id="whole-1", amount=TOTAL, reason="buyer")


def code(alipay: AlipayPeer) -> None:
    alipay.says(out_trade_no=number(), qr_code="https://qr.alipay.com/bax1")


async def opened(house: House, alipay: AlipayPeer, person: Sealed | None = None) -> None:
    code(alipay)
    await house.hear(requested(person))
    house.works()
    await house.rests(commands.QUERY)


async def until_called(house: House, alipay: AlipayPeer, times: int) -> None:
    """Until so many calls were made and their outcomes are stored."""
    await house.until(lambda: len(alipay.calls) >= times)
    for _ in range(100):
        if not await house.rows("SELECT 1 FROM work WHERE leased_until IS NOT NULL"):
            return
        await house.breathe()
    raise AssertionError("a call did not end")


# --- opened and closed ------------------------------------------------------------------------------------------------


async def test_the_shops_provider_is_asked_for_a_code(alipay_house: House, alipay: AlipayPeer) -> None:
    await opened(alipay_house, alipay)

    [fact] = await alipay_house.spoken()
    assert isinstance(fact, PaymentOpened)
    assert (fact.qr, fact.out_trade_no) == ("https://qr.alipay.com/bax1", number())
    assert alipay.calls == ["trade.precreate"]
    assert alipay.asked == [
        {
            "out_trade_no": number(), "total_amount": "129.00", "subject": "Kenya tea   100 g   more",
            "product_code": "QR_CODE_OFFLINE", "time_expire": "2026-03-01 11:15:30",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("lost", [httpx.ReadTimeout, "20000"])
async def test_an_open_without_an_answer_is_asked_about_and_sent_again_to_the_byte(
    alipay_house: House, alipay: AlipayPeer, lost: Any
) -> None:
    house = alipay_house
    if lost == "20000":
        alipay.refuses("isp.unknow-error", "20000")
    else:
        alipay.breaks(lost)
    await house.hear(requested())
    house.works()
    await until_called(house, alipay, 1)
    alipay.refuses("ACQ.TRADE_NOT_EXIST")
    code(alipay)
    house.clock.skip(timedelta(seconds=2))
    await house.rests(commands.QUERY)

    assert alipay.calls == ["trade.precreate", "trade.query", "trade.precreate"]
    assert alipay.asked[0] == alipay.asked[2]
    assert names(await house.spoken()) == ["payment.opened"]


async def test_a_dead_number_has_failed(alipay_house: House, alipay: AlipayPeer) -> None:
    alipay.refuses("ACQ.TRADE_HAS_CLOSE")
    await alipay_house.hear(requested())
    alipay_house.works()
    await alipay_house.rests()

    assert names(await alipay_house.spoken()) == ["payment.failed"]


async def test_closing_a_code_that_nobody_opened_is_closed(alipay_house: House, alipay: AlipayPeer) -> None:
    await opened(alipay_house, alipay)
    alipay.refuses("ACQ.TRADE_NOT_EXIST")
    await alipay_house.hear(close())
    await alipay_house.rests()

    assert names(await alipay_house.spoken()) == ["payment.opened", "payment.closed"]


@pytest.mark.parametrize("why", ["ACQ.TRADE_HAS_SUCCESS", "ACQ.REASON_TRADE_STATUS_INVALID"])
async def test_closing_what_is_paid_credits_it(alipay_house: House, alipay: AlipayPeer, why: str) -> None:
    await opened(alipay_house, alipay)
    alipay.refuses(why)
    alipay.says(**alipay.trade(number(), "129.00"))
    alipay.breaks(httpx.ConnectError)  # its declaration is none of this test's business
    await alipay_house.hear(close())
    await alipay_house.rests(commands.DECLARE)

    assert names(await alipay_house.spoken()) == ["payment.opened", "payment.captured", "escrow.held"]


async def test_a_close_without_an_answer_is_resolved_by_a_question(alipay_house: House, alipay: AlipayPeer) -> None:
    await opened(alipay_house, alipay)
    alipay.breaks(httpx.ReadTimeout)
    await alipay_house.hear(close())
    await until_called(alipay_house, alipay, 2)
    alipay.says(**alipay.trade(number(), "129.00", trade_status="TRADE_CLOSED", send_pay_date=""))
    alipay_house.clock.skip(timedelta(seconds=2))
    await alipay_house.rests()

    assert alipay.calls[1:] == ["trade.close", "trade.query"]
    assert names(await alipay_house.spoken()) == ["payment.opened", "payment.closed"]


# --- sent back --------------------------------------------------------------------------------------------------------


async def captured(house: House) -> None:
    await house.preload(number(), TOTAL, provider="alipay")
    await house.hear(PaidTold(ORDER, paid(transaction=TRADE)))
    await house.rows("DELETE FROM work")
    await house.hear(refund())
    house.works()


def refunded(alipay: AlipayPeer, moved: str) -> None:
    alipay.says(out_trade_no=number(), trade_no=TRADE, fund_change=moved, refund_fee="129.00")


async def test_a_refund_names_the_charge_and_is_done_when_funds_moved(alipay_house: House, alipay: AlipayPeer) -> None:
    refunded(alipay, "Y")
    await captured(alipay_house)
    await alipay_house.rests()

    assert names(await alipay_house.spoken())[-2:] == ["refund.submitted", "refund.completed"]
    [asked] = alipay.asked
    assert (asked["trade_no"], asked["refund_amount"], len(asked["out_request_no"])) == (TRADE, "129.00", 27)


async def test_funds_that_did_not_move_are_asked_about(alipay_house: House, alipay: AlipayPeer) -> None:
    refunded(alipay, "N")
    await captured(alipay_house)
    await alipay_house.rests(commands.REFUND_CHECK)
    number_of_it = alipay.asked[0]["out_request_no"]
    alipay.says(refund_status="REFUND_SUCCESS", out_request_no=number_of_it, refund_amount="129.00")
    alipay_house.clock.skip(timedelta(hours=1))
    await alipay_house.rests()

    assert alipay.calls == ["trade.refund", "trade.fastpay.refund.query"]
    assert names(await alipay_house.spoken())[-1] == "refund.completed"


async def test_a_refund_without_an_answer_is_asked_about_ten_seconds_later_and_sent_again_under_its_number(
    alipay_house: House, alipay: AlipayPeer
) -> None:
    alipay.breaks(httpx.ReadTimeout)
    await captured(alipay_house)
    await until_called(alipay_house, alipay, 1)
    alipay.says()  # success and nothing else: there is no such refund
    refunded(alipay, "Y")
    alipay_house.clock.skip(timedelta(seconds=9))
    await alipay_house.breathe()
    assert alipay.calls == ["trade.refund"]
    alipay_house.clock.skip(timedelta(seconds=1))
    await alipay_house.rests()

    assert alipay.calls == ["trade.refund", "trade.fastpay.refund.query", "trade.refund"]
    assert alipay.asked[0] == alipay.asked[2]
    assert names(await alipay_house.spoken())[-1] == "refund.completed"


async def test_an_empty_balance_is_tried_again_with_the_same_number(alipay_house: House, alipay: AlipayPeer) -> None:
    alipay.refuses("ACQ.SELLER_BALANCE_NOT_ENOUGH")
    await captured(alipay_house)
    await until_called(alipay_house, alipay, 1)
    refunded(alipay, "Y")
    alipay_house.clock.skip(timedelta(seconds=10))
    await alipay_house.rests()

    assert alipay.asked[0] == alipay.asked[1]
    assert names(await alipay_house.spoken())[-1] == "refund.completed"


async def test_a_refund_period_that_is_over_is_told_as_stalled(alipay_house: House, alipay: AlipayPeer) -> None:
    alipay.refuses("ACQ.TRADE_HAS_FINISHED")
    await captured(alipay_house)
    await alipay_house.rests(commands.REFUND_CHECK)

    assert names(await alipay_house.spoken())[-1] == "refund.stalled"


# --- declared ---------------------------------------------------------------------------------------------------------


async def test_the_numbers_of_the_first_answer_come_with_customs_yes(alipay_house: House, alipay: AlipayPeer) -> None:
    house = alipay_house
    await opened(house, alipay, seal_person(house.service.resources.facts, BUYER))
    alipay.says(
        trade_no=TRADE, pay_code="31222699S7", pay_transaction_id="C-1", ver_dept="2", total_amount="12900",
        currency="142", identity_check="F",
    )  # fmt: skip
    record = {"out_request_no": f"CD{number()}", "trade_no": TRADE, "amount": "129.00"}
    alipay.says(records=[record | {"status": "ws"}])
    alipay.says(records=[record | {"status": "succ", "customs_result_code": "2", "customs_result_info": "申报成功"}])

    await house.hear(PaidTold(ORDER, paid(transaction=TRADE)))
    for calls in (2, 3):
        await until_called(house, alipay, calls)
        await house.rests(commands.DECLARE_CHECK)
        house.clock.skip(timedelta(minutes=6))
    await house.rests()

    fact = (await house.spoken())[-1]
    assert isinstance(fact, PaymentDeclared)
    assert (fact.order_no, fact.pay_transaction_id, fact.amount) == (number(), TRADE, TOTAL)
    assert (fact.identity_check, fact.ver_dept, fact.pay_code) == ("different", "2", "31222699S7")
    assert fact.pay_name == "支付宝(中国)网络技术有限公司"
    declared = alipay.asked[1]
    assert declared["buyer_info"] == {"buyer_name": BUYER.name, "buyer_cert_no": BUYER.id_number}
    assert (declared["customs_place"], declared["merchant_customs_code"]) == ("ZONGSHU", "3599TEST02")
    assert declared["merchant_customs_name"] == "海岸种植者（测试）有限公司"
    for table in ("work", "payments", "outbox", "evidence"):
        assert BUYER.id_number not in str(await house.rows(f"SELECT * FROM {table}"))


@pytest.mark.parametrize("code", ["-301", "100"])
async def test_a_document_that_customs_returns_is_refused(alipay_house: House, alipay: AlipayPeer, code: str) -> None:
    house = alipay_house
    await opened(house, alipay)
    alipay.says(trade_no=TRADE, pay_code="31222699S7", total_amount="12900")
    record = {"out_request_no": f"CD{number()}", "trade_no": TRADE, "amount": "129.00", "status": "succ"}
    alipay.says(records=[record | {"customs_result_code": code, "customs_result_info": "no such merchant"}])
    await house.hear(PaidTold(ORDER, paid(transaction=TRADE)))
    await house.rests(commands.DECLARE_CHECK)
    house.clock.skip(timedelta(minutes=6))
    await house.rests()

    assert names(await house.spoken())[-1] == "customs-declaration.refused"


# --- away -------------------------------------------------------------------------------------------------------------


async def test_a_provider_that_is_away_shows_with_its_tries_and_its_error(
    alipay_house: House, alipay: AlipayPeer, capsys: pytest.CaptureFixture[str]
) -> None:
    alipay.breaks(httpx.ConnectError)
    await alipay_house.hear(requested())
    alipay_house.works()
    await until_called(alipay_house, alipay, 1)
    view = (await alipay_house.ask(f"/v1/payments/{ORDER}")).json()

    [call] = view["calls"]
    assert (call["kind"], call["tries"], call["last_error"]) == ("open-attempt", 1, "payments.provider_busy")
    assert call["last_error_means"] == "the provider was not reached, or refused for now; nothing was done"
    assert call["last_try_at"] == "2026-03-01T02:15:30Z"
    assert call["next_try_at"] == "2026-03-01T02:15:31Z"
    told = capsys.readouterr().out
    assert all(word in told for word in (ORDER, "alipay", "payments.provider_busy"))
