"""WeChat Pay's door beyond the samples: what is hostile, early, or not understood; and a failing database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.money import Money
from tests.payments.house import House
from tests.payments.till import ORDER, TOTAL, names, number
from tests.payments.wechat_provider import Provider


async def pays(house: House, provider: Provider, out_trade_no: str = number(), total: int = 12900) -> int:
    headers, body = provider.callback("TRANSACTION.SUCCESS", provider.paid(out_trade_no, total))
    return (await house.told(headers, body)).status_code


async def test_a_notification_told_five_times_is_one_credit(house: House, provider: Provider) -> None:
    await house.preload(number(), TOTAL)

    answers = [await pays(house, provider) for _ in range(5)]

    assert answers == [204] * 5
    assert names(await house.spoken()) == ["payment.captured", "escrow.held"]
    assert await house.receipts() == ["accepted"]


async def test_a_refund_notification_comes_to_an_address_of_its_own(house: House, provider: Provider) -> None:
    await house.preload(number(), TOTAL)
    headers, body = provider.callback("TRANSACTION.SUCCESS", provider.paid(number(), 12900))

    answer = await house.told(headers, body, "/wechat/refund-notify")

    assert answer.status_code == 204
    assert names(await house.spoken()) == ["payment.captured", "escrow.held"]


# --- refused ----------------------------------------------------------------------------------------------------------

MALFORMED: dict[str, bytes] = {
    "no json": b"{",
    "not an object": b"[]",
    "not utf-8": b'{"id":"\xff"}',
    "a key twice": b'{"id":"1","id":"2"}',
    "too deep": b'{"a":' * 400 + b"1" + b"}" * 400,
    "no resource": b'{"id":"1","create_time":"2026-03-01T10:15:23+08:00","event_type":"TRANSACTION.SUCCESS"}',
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED)
async def test_a_signed_body_that_is_no_envelope_is_refused(house: House, provider: Provider, body: bytes) -> None:
    answer = await house.told(provider.sign(body), body)

    assert (answer.status_code, answer.json()["code"]) == (400, "FAIL")
    assert await house.receipts() == []


@pytest.mark.parametrize("missing", ["Timestamp", "Nonce", "Signature", "Serial"])
async def test_a_missing_signature_header_is_refused(house: House, provider: Provider, missing: str) -> None:
    await house.preload(number(), TOTAL)
    headers, body = provider.callback("TRANSACTION.SUCCESS", provider.paid(number(), 12900))
    del headers[f"Wechatpay-{missing}"]

    assert (await house.told(headers, body)).status_code == 401
    assert await house.spoken() == []


@pytest.mark.parametrize("late", [timedelta(seconds=301), timedelta(seconds=-301)])
async def test_a_signature_outside_five_minutes_is_refused(house: House, provider: Provider, late: timedelta) -> None:
    await house.preload(number(), TOTAL)
    house.clock.skip(late)

    assert await pays(house, provider) == 401


async def test_one_changed_byte_is_refused(house: House, provider: Provider) -> None:
    await house.preload(number(), TOTAL)
    headers, body = provider.callback("TRANSACTION.SUCCESS", provider.paid(number(), 12900))

    assert (await house.told(headers, body + b" ")).status_code == 401
    assert await house.receipts() == []


async def test_too_much_is_refused_before_anything_is_looked_at(house: House) -> None:
    assert (await house.told({}, b"x" * 300_000)).status_code == 413


async def test_a_forged_trace_header_changes_nothing(house: House, provider: Provider) -> None:
    await house.preload(number(), TOTAL)
    headers, body = provider.callback("TRANSACTION.SUCCESS", provider.paid(number(), 12900))

    answer = await house.told(headers | {"traceparent": "00-" + "f" * 500, "tracestate": "x=\t"}, body)

    assert answer.status_code == 204
    assert len(await house.spoken()) == 2


# --- authentic, and not understood ------------------------------------------------------------------------------------


def strange_event(provider: Provider) -> dict[str, Any]:
    return provider.paid(number(), 12900)


def strange_state(provider: Provider) -> dict[str, Any]:
    return provider.paid(number(), 12900) | {"trade_state": "HALF_PAID"}


def strange_merchant(provider: Provider) -> dict[str, Any]:
    return provider.paid(number(), 12900) | {"mchid": "1900000099"}


@pytest.mark.parametrize("content", [strange_event, strange_state, strange_merchant])
async def test_what_is_authentic_but_unknown_is_acknowledged_and_kept_for_a_person(
    house: House, provider: Provider, content: Callable[[Provider], dict[str, Any]]
) -> None:
    await house.preload(number(), TOTAL)
    event = "TRANSACTION.TELEPORTED" if content is strange_event else "TRANSACTION.SUCCESS"
    headers, body = provider.callback(event, content(provider))

    assert (await house.told(headers, body)).status_code == 204
    assert (await house.told(headers, body)).status_code == 204
    assert await house.receipts() == ["quarantined input.unrecognised"]
    assert await house.spoken() == []


async def test_a_refund_that_we_never_asked_for_is_kept_for_a_person(house: House, provider: Provider) -> None:
    await house.preload(number(), TOTAL)
    content = provider.paid(number(), 12900) | dict(provider.REFUNDED)
    headers, body = provider.callback("REFUND.SUCCESS", content)

    assert (await house.told(headers, body, "/wechat/refund-notify")).status_code == 204
    assert await house.receipts() == ["quarantined payments.unknown_attempt"]


async def test_an_unknown_number_is_quarantined_and_applied_when_it_is_known_however_old_its_signature_is(
    house: House, provider: Provider
) -> None:
    assert await pays(house, provider) == 204
    assert await house.receipts() == ["quarantined flow.early"]
    await house.preload(number(), TOTAL)
    house.clock.skip(timedelta(minutes=30))
    provider.breaks(httpx.ConnectError)

    house.works()
    await house.rests("declare-payment")

    assert names(await house.spoken()) == ["payment.captured", "escrow.held"]
    assert await house.receipts() == ["accepted"]


async def test_an_amount_of_another_currency_is_no_credit(house: House, provider: Provider) -> None:
    await house.preload(number(), Money(12900, "USD"))

    assert await pays(house, provider) == 204
    assert names(await house.spoken()) == ["payment.mismatched"]


# --- nothing lost -----------------------------------------------------------------------------------------------------


async def test_without_a_database_the_sender_is_told_to_come_again(house: House, provider: Provider) -> None:
    await house.preload(number(), TOTAL)
    await house.rows("ALTER TABLE aliases RENAME TO gone")

    headers, body = provider.callback("TRANSACTION.SUCCESS", provider.paid(number(), 12900))
    answer = await house.told(headers, body)

    assert (answer.status_code, answer.json()["code"]) == (500, "FAIL")
    await house.rows("ALTER TABLE gone RENAME TO aliases")
    assert (await house.told(headers, body)).status_code == 204


async def test_what_is_stored_names_no_payer_in_the_clear(house: House, provider: Provider) -> None:
    await house.preload(number(), TOTAL)
    content = provider.paid(number(), 12900) | {"payer": {"openid": "o-SECRET-PAYER"}}
    headers, body = provider.callback("TRANSACTION.SUCCESS", content)
    await house.told(headers, body)

    tables = ("receipts", "payments", "evidence", "outbox", "work", "journals", "postings")
    dump = "".join([str(await house.rows(f"SELECT * FROM {table}")) for table in tables])

    assert "SECRET-PAYER" not in dump
    assert json.loads((await house.money()).content)["order_id"] == ORDER
