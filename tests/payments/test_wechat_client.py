"""The client against a provider that signs for itself: what a broken line, a forged or an unknown answer comes to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from services.payments.providers.base import (
    AlreadyPaid,
    Busy,
    OpenAsk,
    PaymentProvider,
    RefundAsk,
    RefundState,
    Trade,
    TradeState,
    Unanswered,
    resume_close,
    resume_open,
    resume_refund,
)
from services.payments.providers.wechat.client import WeChatPay
from services.payments.providers.wechat.keys import KeyRing, UnknownSerial
from shared.errors import Unrecognised
from shared.money import Money
from tests.payments.wechat_provider import NOW, Provider

NUMBER = "TC20260301GZ0001"
ASK = OpenAsk(NUMBER, Money(28800, "CNY"), "coffee", NOW + timedelta(minutes=30), "https://pay.example/notify")
REFUND = RefundAsk(NUMBER, "R-1", Money(8800, "CNY"), Money(28800, "CNY"), "https://pay.example/refund")
QUERY = f"GET /v3/pay/transactions/out-trade-no/{NUMBER}?mchid=1900000001"
OPEN = "POST /v3/pay/transactions/native"
CLOSE = f"POST /v3/pay/transactions/out-trade-no/{NUMBER}/close"
MISSING = {"code": "ORDER_NOT_EXIST", "message": "?"}
QR = {"code_url": "weixin://wxpay/1"}


@pytest.fixture(scope="module")
def account() -> Provider:
    return Provider()


@pytest.fixture
def provider(account: Provider) -> Provider:
    account.calls, account.answers = [], []
    return account


@pytest.fixture
async def client(provider: Provider) -> AsyncIterator[WeChatPay]:
    transport = httpx.MockTransport(provider.handle)
    async with httpx.AsyncClient(base_url="https://pay.example", transport=transport) as http:
        yield WeChatPay(http, provider.merchant, provider.ring, now=lambda: NOW)


def unpaid(provider: Provider) -> dict[str, str]:
    return {"mchid": provider.merchant.mchid, "out_trade_no": NUMBER, "trade_state": "NOTPAY"}


def refunded(status: str) -> dict[str, object]:
    amount = {"refund": 8800, "total": 28800, "currency": "CNY"}
    return {"out_trade_no": NUMBER, "out_refund_no": "R-1", "refund_id": "5", "status": status, "amount": amount}


async def test_an_order_opens_as_a_qr_and_keeps_both_texts(provider: Provider, client: WeChatPay) -> None:
    port: PaymentProvider = client
    provider.says(QR)

    opened = await port.open(ASK)

    assert (opened.qr, opened.expires_at) == ("weixin://wxpay/1", ASK.expires_at)
    assert opened.exchange.answer == '{"code_url": "weixin://wxpay/1"}'
    assert '"out_trade_no":"TC20260301GZ0001"' in opened.exchange.request
    assert provider.calls == [OPEN]


@pytest.mark.parametrize("number", ["a|b*c-d_e", "TC20260301GZ0001"])
async def test_the_path_is_signed_as_the_client_sends_it(provider: Provider, client: WeChatPay, number: str) -> None:
    provider.says(MISSING, 404)
    assert await client.query(number) == Trade(number, TradeState.ABSENT)


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout])
async def test_what_never_left_the_house_may_be_sent_again(
    provider: Provider, client: WeChatPay, error: type[httpx.TransportError]
) -> None:
    provider.breaks(error)
    with pytest.raises(Busy):
        await client.refund(REFUND)


@pytest.mark.parametrize("error", [httpx.ReadTimeout, httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteTimeout])
async def test_what_left_and_was_not_answered_may_have_been_done(
    provider: Provider, client: WeChatPay, error: type[httpx.TransportError]
) -> None:
    provider.breaks(error)
    with pytest.raises(Unanswered):
        await client.refund(REFUND)


async def test_a_question_without_an_answer_is_only_asked_again(provider: Provider, client: WeChatPay) -> None:
    provider.breaks(httpx.ReadTimeout)
    provider.says({"code": "SYSTEM_ERROR"}, 500)
    for _ in range(2):
        with pytest.raises(Busy):
            await client.query(NUMBER)


@pytest.mark.parametrize("body", [b'{"code_url":"weixin://forged"}', b"<html>login</html>"])
async def test_a_success_that_is_not_signed_may_have_been_done(
    provider: Provider, client: WeChatPay, body: bytes
) -> None:
    provider.says_bytes(body)
    with pytest.raises(Unanswered):
        await client.open(ASK)


async def test_an_authentic_answer_that_cannot_be_read_may_have_been_done(
    provider: Provider, client: WeChatPay
) -> None:
    provider.says(refunded("SUCCESS") | {"out_refund_no": "R-2"})
    with pytest.raises(Unanswered):
        await client.refund(REFUND)


async def test_an_unknown_word_is_never_guessed(provider: Provider, client: WeChatPay) -> None:
    provider.says(refunded("HALFWAY"))
    with pytest.raises(Unrecognised):
        await client.refund(REFUND)


async def test_closing_what_is_paid_says_so_and_the_query_credits(provider: Provider, client: WeChatPay) -> None:
    provider.says({"code": "ORDER_PAID"}, 400)
    provider.says(provider.paid(NUMBER, 28800))

    with pytest.raises(AlreadyPaid):
        await client.close(NUMBER)
    trade = await resume_close(client, NUMBER)

    assert trade.state is TradeState.PAID
    assert trade.capture is not None
    assert trade.capture.amount == Money(28800, "CNY")
    assert provider.calls == [CLOSE, QUERY]


async def test_an_empty_204_closes(provider: Provider, client: WeChatPay) -> None:
    provider.says(None, 204)
    await client.close(NUMBER)
    assert provider.calls == [CLOSE]


async def test_an_unknown_opening_that_is_absent_is_sent_again_with_the_same_key(
    provider: Provider, client: WeChatPay
) -> None:
    provider.says(MISSING, 404)
    provider.says(QR)

    opened = await resume_open(client, ASK)

    assert not isinstance(opened, Trade)
    assert opened.qr == "weixin://wxpay/1"
    assert provider.calls == [QUERY, OPEN]


async def test_an_unknown_opening_that_is_paid_is_not_sent_again(provider: Provider, client: WeChatPay) -> None:
    provider.says(provider.paid(NUMBER, 28800))

    trade = await resume_open(client, ASK)

    assert isinstance(trade, Trade)
    assert trade.state is TradeState.PAID
    assert provider.calls == [QUERY]


async def test_an_unknown_close_of_a_pending_trade_closes_again(provider: Provider, client: WeChatPay) -> None:
    provider.says(unpaid(provider))
    provider.says(None, 204)

    assert (await resume_close(client, NUMBER)).state is TradeState.CLOSED
    assert provider.calls == [QUERY, CLOSE]


async def test_an_unknown_refund_is_asked_for_before_it_is_sent_again(provider: Provider, client: WeChatPay) -> None:
    provider.says(refunded("PROCESSING"))
    assert (await resume_refund(client, REFUND)).state is RefundState.PROCESSING

    provider.says({"code": "RESOURCE_NOT_EXISTS"}, 404)
    provider.says(refunded("PROCESSING"))
    await resume_refund(client, REFUND)

    asked, sent = "GET /v3/refund/domestic/refunds/R-1", "POST /v3/refund/domestic/refunds"
    assert provider.calls == [asked, asked, sent]


async def test_an_unknown_serial_makes_us_ask_for_keys_once_a_minute(provider: Provider) -> None:
    clock = [NOW]
    headers, body = provider.callback("TRANSACTION.SUCCESS", provider.paid(NUMBER, 28800))
    async with httpx.AsyncClient(
        base_url="https://pay.example", transport=httpx.MockTransport(provider.handle)
    ) as http:
        client = WeChatPay(http, provider.merchant, KeyRing.of([]), now=lambda: clock[0])
        for minutes in (0, 0, 1):
            clock[0] += timedelta(minutes=minutes)
            provider.says({"code": "RESOURCE_NOT_EXISTS"}, 404)
            with pytest.raises(UnknownSerial):
                await client.notified(headers, body)

    assert provider.calls == ["GET /v3/certificates"] * 2
