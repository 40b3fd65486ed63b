"""Calls from their work rows to the provider's host and back into the database, over the real worker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from services.payments import commands
from services.payments.calls import KEYS_EVERY
from services.payments.commands import DeclarePayment, PaidTold
from services.payments.payment import Payment
from services.payments.providers.wechat import customs, flatxml
from services.payments.store import open_evidence
from shared.events import orders
from shared.events.payments import PaymentCaptured, PaymentDeclared, PaymentOpened
from shared.events.values import Sealed
from shared.security.personal import Person, seal_person
from tests.payments.house import House
from tests.payments.till import NOW, ORDER, SELLER, TOTAL, names, number, paid
from tests.payments.wechat_provider import Provider

CODE = {"code_url": "weixin://wxpay/one"}
NOT_THERE = {"code": "ORDER_NOT_EXIST", "message": "?"}
PAID_ALREADY = {"code": "ORDER_PAID", "message": "?"}
NO_REFUND = {"code": "RESOURCE_NOT_EXISTS", "message": "?"}
BUYER = Person("测试甲", "1", "110101199003070010", "13800000000")


def requested(person: Sealed | None = None) -> orders.PaymentRequested:
    return orders.PaymentRequested(
        order_id=ORDER, seller=SELLER, part="whole", attempt=1, amount=TOTAL, title="Kenya AA 227 g",
        shop="nairobi-roasters", person=person, expires_at=NOW + timedelta(hours=2),
    )  # fmt: skip


def close() -> orders.PaymentCloseRequested:
    return orders.PaymentCloseRequested(order_id=ORDER, seller=SELLER, attempt=1)


def unpaid(state: str) -> dict[str, Any]:
    return {"appid": "wxc0ffee0000000001", "mchid": "1900000001", "out_trade_no": number(), "trade_state": state}


def refunded(out_refund_no: str, status: str) -> dict[str, Any]:
    told = {"refund_id": "5001", "out_refund_no": out_refund_no, "out_trade_no": number(), "status": status}
    return told | {"amount": {"refund": 12900, "total": 12900, "currency": "CNY"}}


def no_certificates(provider: Provider) -> None:
    """An account of the public key mode has none."""
    provider.says({"code": "RESOURCE_NOT_EXISTS", "message": "?"}, 404)


async def opened(house: House, provider: Provider, person: Sealed | None = None) -> None:
    no_certificates(provider)
    provider.says(CODE)
    await house.hear(requested(person))
    house.works()
    await house.rests(commands.QUERY)


async def state(house: House) -> Payment:
    [row] = await house.rows("SELECT body FROM payments")
    return TypeAdapter(Payment).validate_json(row["body"])


# --- opened, and unknown ----------------------------------------------------------------------------------------------


async def test_a_requested_payment_becomes_a_qr(house: House, provider: Provider) -> None:
    await opened(house, provider)

    [fact] = await house.spoken()
    assert isinstance(fact, PaymentOpened)
    assert (fact.qr, fact.out_trade_no) == ("weixin://wxpay/one", number())
    assert provider.calls == ["GET /v3/certificates", "POST /v3/pay/transactions/native"]


async def test_request_and_answer_are_kept_to_the_letter_and_sealed(house: House, provider: Provider) -> None:
    await opened(house, provider)

    [row] = await house.rows("SELECT convert_from(body, 'UTF8')::json ->> 'sealed' AS sealed FROM evidence")
    told = open_evidence(house.service.resources.columns, row["sealed"])
    assert '"notify_url":"https://pay.twincity.example/wechat/notify"' in told
    assert told.endswith('{"code_url": "weixin://wxpay/one"}')


async def test_an_open_without_an_answer_is_asked_about_and_sent_again_under_the_same_number(
    house: House, provider: Provider
) -> None:
    no_certificates(provider)
    provider.breaks(httpx.ReadTimeout)
    await house.hear(requested())
    house.works()
    await until_called(house, provider, 2)
    provider.says(NOT_THERE, 404)
    provider.says(CODE)
    house.clock.skip(timedelta(seconds=2))
    await house.rests(commands.QUERY)

    assert names(await house.spoken()) == ["payment.opened"]
    assert provider.calls[1:] == [
        "POST /v3/pay/transactions/native",
        f"GET /v3/pay/transactions/out-trade-no/{number()}?mchid=1900000001",
        "POST /v3/pay/transactions/native",
    ]


async def test_an_open_whose_answer_was_lost_and_that_is_paid_by_now_is_credited(
    house: House, provider: Provider
) -> None:
    no_certificates(provider)
    provider.breaks(httpx.ReadTimeout)
    await house.hear(requested())
    house.works()
    await until_called(house, provider, 2)
    provider.says(provider.paid(number(), 12900))
    provider.breaks(httpx.ConnectError)
    house.clock.skip(timedelta(seconds=2))
    await house.rests(commands.DECLARE)

    assert names(await house.spoken()) == ["payment.captured", "escrow.held"]


async def test_an_open_answered_with_already_paid_is_asked_about(house: House, provider: Provider) -> None:
    no_certificates(provider)
    provider.says(PAID_ALREADY, 400)
    provider.says(provider.paid(number(), 12900))
    provider.breaks(httpx.ConnectError)
    await house.hear(requested())
    house.works()
    await house.rests(commands.DECLARE)

    captured, _ = await house.spoken()
    assert isinstance(captured, PaymentCaptured)
    assert captured.transaction_id == "4200000000000000000000000001"


async def until_called(house: House, provider: Provider, times: int) -> None:
    """Until so many calls were made and their outcomes are stored."""
    await house.until(lambda: len(provider.calls) >= times)
    for _ in range(100):
        if not await house.rows("SELECT 1 FROM work WHERE leased_until IS NOT NULL"):
            return
        await house.breathe()
    raise AssertionError("a call did not end")


# --- closed -----------------------------------------------------------------------------------------------------------


async def test_closing_closes(house: House, provider: Provider) -> None:
    await opened(house, provider)
    provider.says(None, 204)

    await house.hear(close())
    await house.rests()

    assert names(await house.spoken()) == ["payment.opened", "payment.closed"]
    assert provider.calls[-1] == f"POST /v3/pay/transactions/out-trade-no/{number()}/close"


async def test_closing_what_the_provider_never_heard_of_is_closed(house: House, provider: Provider) -> None:
    await opened(house, provider)
    provider.says(NOT_THERE, 404)

    await house.hear(close())
    await house.rests()

    assert names(await house.spoken()) == ["payment.opened", "payment.closed"]


async def test_closing_what_is_paid_credits_it(house: House, provider: Provider) -> None:
    await opened(house, provider)
    provider.says(PAID_ALREADY, 400)
    provider.says(provider.paid(number(), 12900))

    await house.hear(close())
    await house.rests()

    assert names(await house.spoken()) == ["payment.opened", "payment.captured", "escrow.held"]


async def test_a_close_without_an_answer_is_resolved_by_a_question(house: House, provider: Provider) -> None:
    await opened(house, provider)
    provider.breaks(httpx.ReadTimeout)
    await house.hear(close())
    await until_called(house, provider, 3)
    provider.says(unpaid("CLOSED"))
    house.clock.skip(timedelta(seconds=2))
    await house.rests()

    assert names(await house.spoken()) == ["payment.opened", "payment.closed"]
    assert provider.calls[-1].startswith(f"GET /v3/pay/transactions/out-trade-no/{number()}")


@pytest.mark.parametrize(("answer", "says"), [(unpaid("CLOSED"), ["payment.failed"]), (unpaid("NOTPAY"), [])])
async def test_a_question_after_half_a_minute(
    house: House, provider: Provider, answer: dict[str, Any], says: list[str]
) -> None:
    await opened(house, provider)
    provider.says(answer)
    house.clock.skip(timedelta(seconds=30))
    await until_called(house, provider, 3)

    await house.until_spoken(1 + len(says))
    assert names(await house.spoken())[1:] == says


# --- sent back --------------------------------------------------------------------------------------------------------


async def captured(house: House) -> None:
    """The money is there and its declaration is none of this test's business."""
    await house.preload(number(), TOTAL)
    await house.hear(PaidTold(ORDER, paid(transaction="4200000000000000000000000001")))
    await house.rows("DELETE FROM work")


def refund() -> orders.RefundRequested:
    return orders.RefundRequested(order_id=ORDER, seller=SELLER, refund_id="whole-1", amount=TOTAL, reason="buyer")


async def test_a_refund_names_the_charge_and_the_address_for_its_end(house: House, provider: Provider) -> None:
    await captured(house)
    await house.hear(refund())
    wanted = (await state(house)).refunds[0].number
    seen: list[bytes] = []
    no_certificates(provider)
    provider.answers.append(lambda request: _kept(seen, request, provider, refunded(wanted, "SUCCESS")))
    house.works()
    await house.rests()

    assert names(await house.spoken())[-1] == "refund.completed"
    assert b'"transaction_id":"4200000000000000000000000001"' in seen[0]
    assert b'"notify_url":"https://pay.twincity.example/wechat/refund-notify"' in seen[0]
    assert b'"amount":{"refund":12900,"total":12900,"currency":"CNY"}' in seen[0]


async def test_a_refund_without_an_answer_is_asked_about_and_not_sent_twice(house: House, provider: Provider) -> None:
    await captured(house)
    await house.hear(refund())
    wanted = (await state(house)).refunds[0].number
    no_certificates(provider)
    provider.breaks(httpx.ReadTimeout)
    house.works()
    await until_called(house, provider, 2)
    provider.says(refunded(wanted, "SUCCESS"))
    house.clock.skip(timedelta(seconds=10))
    await house.rests()

    assert names(await house.spoken())[-1] == "refund.completed"
    assert provider.calls[1:] == ["POST /v3/refund/domestic/refunds", f"GET /v3/refund/domestic/refunds/{wanted}"]


async def test_a_refund_that_was_never_there_is_sent_again_under_the_same_number(
    house: House, provider: Provider
) -> None:
    await captured(house)
    await house.hear(refund())
    wanted = (await state(house)).refunds[0].number
    no_certificates(provider)
    provider.breaks(httpx.ReadTimeout)
    house.works()
    await until_called(house, provider, 2)
    provider.says(NO_REFUND, 404)
    provider.says(refunded(wanted, "PROCESSING"))
    house.clock.skip(timedelta(seconds=10))
    await house.rests(commands.REFUND_CHECK)
    house.clock.skip(timedelta(hours=1))
    body = json.dumps(refunded(wanted, "SUCCESS")).encode()
    provider.says_bytes(body, provider.sign(body, house.clock.now()))
    await house.rests()

    assert names(await house.spoken())[-1] == "refund.completed"


# --- declared ---------------------------------------------------------------------------------------------------------


def v2(provider: Provider, fields: Mapping[str, str]) -> bytes:
    ours = provider.merchant
    told = {"return_code": "SUCCESS", "result_code": "SUCCESS", "appid": ours.appid, "mch_id": ours.mchid, **fields}
    return flatxml.write(told | {"sign": customs.sign(told, ours.apiv2_key)})


def _kept(seen: list[bytes], request: httpx.Request, provider: Provider, answer: Any) -> httpx.Response:
    seen.append(request.content)
    if isinstance(answer, bytes):
        return httpx.Response(200, content=answer)
    provider.says(answer)
    return provider.answers.pop()(request)


async def test_the_person_is_opened_for_the_provider_only_and_the_numbers_come_back(
    house: House, provider: Provider
) -> None:
    person, seen = seal_person(house.service.resources.facts, BUYER), list[bytes]()
    await opened(house, provider, person)
    first = {"state": "UNDECLARED", "transaction_id": "T1", "out_trade_no": number()}
    then = {"transaction_id": "T1", "count": "1", "customs_0": "GUANGZHOU_ZS", "state_0": "SUCCESS"}
    then |= {"order_fee_0": "12900", "cert_check_result_0": "SAME", "verify_department": "NETSUNION"}
    provider.answers.append(lambda request: _kept(seen, request, provider, v2(provider, first)))
    provider.answers.append(lambda request: _kept(seen, request, provider, v2(provider, then)))

    await house.hear(PaidTold(ORDER, paid(transaction="T1")))
    await house.rests(commands.DECLARE_CHECK)
    house.clock.skip(timedelta(minutes=6))
    await house.rests()

    fact = (await house.spoken())[-1]
    assert isinstance(fact, PaymentDeclared)
    assert (fact.order_no, fact.pay_transaction_id, fact.amount) == (number(), "T1", TOTAL)
    assert (fact.identity_check, fact.ver_dept, fact.pay_code) == ("same", "2", "4403169D3W")
    declared = flatxml.read(seen[0])
    assert (declared["cert_id"], declared["name"]) == (BUYER.id_number, BUYER.name)
    assert (declared["customs"], declared["mch_customs_no"]) == ("GUANGZHOU_ZS", "3599TEST01")
    for table in ("work", "payments", "outbox", "evidence"):
        assert BUYER.id_number not in str(await house.rows(f"SELECT * FROM {table}"))


async def test_another_document_than_a_resident_card_is_not_compared(house: House, provider: Provider) -> None:
    passport = Person("KAMAU", "2", "A1234567", "+254700000000")
    person, seen = seal_person(house.service.resources.facts, passport), list[bytes]()
    first = v2(provider, {"state": "FAIL", "transaction_id": "T1", "out_trade_no": number()})
    await opened(house, provider, person)
    provider.answers.append(lambda request: _kept(seen, request, provider, first))

    await house.hear(PaidTold(ORDER, paid(transaction="T1")))
    await house.rests()

    assert names(await house.spoken())[-1] == "customs-declaration.refused"
    assert "cert_id" not in flatxml.read(seen[0])


async def test_a_person_that_our_keys_do_not_open_is_told_as_a_refused_declaration(
    house: House, provider: Provider
) -> None:
    await opened(house, provider, Sealed("nobodys", "AAAA", "f", "m"))

    await house.hear(PaidTold(ORDER, paid(transaction="T1")))
    await house.rests()

    assert names(await house.spoken())[-1] == "customs-declaration.refused"
    assert [call for call in provider.calls if "customs" in call] == []


def test_a_declaration_repeated_is_the_same_to_the_byte() -> None:
    task = DeclarePayment(ORDER, number(), "T1", "GUANGZHOU_ZS", "3599TEST01", TOTAL, None)
    codec = TypeAdapter(DeclarePayment)

    assert codec.validate_json(codec.dump_json(task)) == task


# --- keys -------------------------------------------------------------------------------------------------------------


async def test_keys_are_fetched_at_the_first_call_and_every_twelve_hours_of_calls(
    house: House, provider: Provider
) -> None:
    await opened(house, provider)
    await house.hear(requested().model_copy(update={"attempt": 2}))
    provider.says(CODE)
    await house.until_spoken(2)
    assert provider.calls.count("GET /v3/certificates") == 1

    await house.rows("DELETE FROM work")
    house.clock.skip(KEYS_EVERY)
    provider.answers.clear()
    no_certificates(provider)
    provider.breaks(httpx.ConnectError)
    await house.hear(requested().model_copy(update={"attempt": 3}))
    await house.until(lambda: provider.calls.count("GET /v3/certificates") == 2)
