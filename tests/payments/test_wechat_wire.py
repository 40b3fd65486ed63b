"""What the samples cannot show: every altered bit is refused, and bad input ends in one of our own failures."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.payments.providers.base import (
    AlreadyPaid,
    Busy,
    Exchange,
    NotFound,
    OpenAsk,
    ProviderRefused,
    RefundAsk,
    TradeState,
    Unanswered,
)
from services.payments.providers.fields import Fields
from services.payments.providers.wechat import wire
from services.payments.providers.wechat.keys import KeyRing, Undecryptable, UnknownSerial
from services.payments.providers.wechat.wire import Answer
from shared.errors import BadInput, Failure, SignatureRefused, Stale, Transient, Unrecognised
from shared.money import Money
from tests.payments import wechat_cases as samples
from tests.payments.wechat_provider import NOW, Provider

ASK = OpenAsk(
    "TC20260301GZ0001", Money(28800, "CNY"), "coffee", NOW + timedelta(hours=1), "https://pay.example/wechat/notify"
)
SIGNED = ("Wechatpay-Timestamp", "Wechatpay-Nonce", "Wechatpay-Signature", "Wechatpay-Serial")
provider = Provider()
# The machine that runs this may be busy: how long an example takes says nothing here.
FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
GENUINE = provider.callback("TRANSACTION.SUCCESS", provider.paid("TC20260301GZ0001", 28800))


def flip(text: bytes, bit: int) -> bytes:
    at = bit % (len(text) * 8)
    return text[: at // 8] + bytes([text[at // 8] ^ 1 << at % 8]) + text[at // 8 + 1 :]


@FUZZ
@given(bit=st.integers(0, 1 << 20))
def test_any_altered_bit_of_the_body_is_refused(bit: int) -> None:
    headers, body = GENUINE
    with pytest.raises(SignatureRefused):
        provider.ring.verify(headers, flip(body, bit), NOW)


@pytest.mark.parametrize("name", SIGNED)
def test_any_altered_bit_of_a_signed_header_is_refused(name: str) -> None:
    headers, body = GENUINE
    value = headers[name].encode()
    for bit in range(len(value) * 8):
        with pytest.raises(SignatureRefused):
            provider.ring.verify({**headers, name: flip(value, bit).decode("latin-1")}, body, NOW)


@pytest.mark.parametrize("name", SIGNED)
def test_a_missing_signed_header_is_refused(name: str) -> None:
    headers, body = GENUINE
    with pytest.raises(SignatureRefused):
        provider.ring.verify({key: value for key, value in headers.items() if key != name}, body, NOW)


def test_headers_are_found_in_any_case() -> None:
    headers, body = GENUINE
    provider.ring.verify({name.upper(): value for name, value in headers.items()}, body, NOW)


@pytest.mark.parametrize(
    ("seconds", "accepted"), [(-301, False), (-300, True), (0, True), (300, True), (301, False), (300.5, False)]
)
def test_the_window_is_300_seconds_either_way(seconds: float, accepted: bool) -> None:
    headers, body = GENUINE
    if accepted:
        provider.ring.verify(headers, body, NOW + timedelta(seconds=seconds))
        return
    with pytest.raises(Stale):
        provider.ring.verify(headers, body, NOW + timedelta(seconds=seconds))


def test_a_line_feed_cannot_move_the_border_between_nonce_and_body() -> None:
    headers = provider.sign(b'{"a":1}\n{"b":2}')
    moved = {**headers, "Wechatpay-Nonce": headers["Wechatpay-Nonce"] + '\n{"a":1}'}
    with pytest.raises(SignatureRefused):
        provider.ring.verify(moved, b'{"b":2}', NOW)


def test_a_probe_is_refused_for_a_reason_of_its_own() -> None:
    headers, body = GENUINE
    probe = {**headers, "Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"][19:]}
    with pytest.raises(SignatureRefused) as refused:
        provider.ring.verify(probe, body, NOW)
    assert refused.value.reason == "probe"
    assert wire.reply(refused.value).status == 401


def test_a_key_that_has_expired_vouches_for_nothing() -> None:
    certificate = samples.certificate("wechat_platform_cert")
    assert certificate.expires is not None
    assert KeyRing.of([certificate]).including([], certificate.expires).keys == {}


@pytest.mark.parametrize(
    ("problem", "status", "body"),
    [
        (None, 204, b""),
        (Unrecognised("event_type", "X"), 204, b""),
        (SignatureRefused("x"), 401, b'{"code":"FAIL","message":"signature"}'),
        (UnknownSerial("x"), 401, b'{"code":"FAIL","message":"signature"}'),
        (BadInput("x"), 400, b'{"code":"FAIL","message":"malformed"}'),
        (Undecryptable("x"), 500, b'{"code":"FAIL","message":"try again"}'),
        (Transient("x"), 500, b'{"code":"FAIL","message":"try again"}'),
    ],
)
def test_a_callback_is_answered_to_the_byte(problem: Failure | None, status: int, body: bytes) -> None:
    assert wire.reply(problem) == wire.Reply(status, body)


@pytest.mark.parametrize(
    ("event", "change", "what"),
    [
        ("TRANSACTION.SUCCESS", {"mchid": "1900999999"}, "mchid"),
        ("TRANSACTION.SUCCESS", {"appid": "wx00000000c0ffee99"}, "appid"),
        ("TRANSACTION.SUCCESS", {"trade_state": "NOTPAY"}, "trade_state of a payment callback"),
        ("TRANSACTION.SUCCESS", {"trade_state": "BLUE"}, "trade_state"),
        ("TRANSACTION.TEA", {}, "event_type"),
        ("REFUND.SUCCESS", {"refund_status": "CLOSED"}, "refund_status of a refund callback"),
    ],
)
def test_what_is_authentic_but_not_understood_is_unrecognised(event: str, change: dict[str, str], what: str) -> None:
    headers, body = provider.callback(event, provider.paid("TC20260301GZ0001", 28800) | change)
    with pytest.raises(Unrecognised) as unrecognised:
        wire.notified(headers, body, provider.merchant, provider.ring, NOW)
    assert unrecognised.value.what == what


@pytest.mark.parametrize(
    ("status", "code", "meaning"),
    [
        (404, "ORDER_NOT_EXIST", NotFound),
        (400, "ORDERPAID", AlreadyPaid),
        (403, "NOT_ENOUGH", Busy),
        (429, "SOMETHING_NEW", Busy),
        (400, "PARAM_ERROR", ProviderRefused),
        (401, "SIGN_ERROR", ProviderRefused),
        (500, "SYSTEM_ERROR", Unanswered),
        (400, "SYSTEM_ERROR", Unanswered),
        (502, "", Unanswered),
        (202, "", Unanswered),
        (302, "", Unanswered),
    ],
)
def test_an_error_answer_means_what_its_code_says(status: int, code: str, meaning: type[Failure]) -> None:
    body = json.dumps({"code": code, "message": "?"}).encode()
    with pytest.raises(Failure) as failure:
        wire.receive(Answer(status, {}, body), provider.ring, NOW)
    assert type(failure.value) is meaning


def test_an_unsigned_success_is_never_believed() -> None:
    with pytest.raises(SignatureRefused):
        wire.receive(Answer(200, {}, b'{"code_url":"weixin://x"}'), provider.ring, NOW)


def test_an_authentic_answer_about_another_trade_is_not_ours() -> None:
    told = Fields(provider.paid("TC20260301GZ0002", 1))
    with pytest.raises(BadInput):
        wire.parse_trade(told, provider.merchant, "TC20260301GZ0001")


@pytest.mark.parametrize("state", ["NOTPAY", "USERPAYING", "CLOSED", "REVOKED", "PAYERROR"])
def test_an_unpaid_trade_has_no_capture(state: str) -> None:
    told = {"mchid": provider.merchant.mchid, "out_trade_no": "TC20260301GZ0001", "trade_state": state}
    trade = wire.parse_trade(Fields(dict(told)), provider.merchant, "TC20260301GZ0001")
    assert trade.capture is None
    assert trade.state in {TradeState.PENDING, TradeState.CLOSED}


def test_a_qr_lives_no_longer_than_two_hours() -> None:
    ask = OpenAsk(ASK.out_trade_no, ASK.amount, "x", NOW + timedelta(days=1), ASK.notify_url)
    opened = wire.parse_opened(Fields({"code_url": "weixin://x"}), ask, Exchange("", ""), NOW)
    assert opened.expires_at == NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    "change",
    [
        {"out_trade_no": "short"},
        {"out_trade_no": "x" * 33},
        {"out_trade_no": "TC2026/../x"},
        {"amount": Money(0, "CNY")},
        {"amount": Money(100, "USD")},
        {"notify_url": "https://pay.example/wechat?shop=1"},
        {"description": ""},
        {"description": "\ud800"},
        {"attach": "x" * 129},
    ],
)
def test_what_the_provider_would_refuse_is_not_sent(change: dict[str, Any]) -> None:
    told = {name: getattr(ASK, name) for name in OpenAsk.__slots__} | change
    with pytest.raises(BadInput):
        wire.build_open(provider.merchant, OpenAsk(**told))


def test_more_than_was_paid_is_not_refunded() -> None:
    with pytest.raises(BadInput):
        wire.build_refund(RefundAsk("TC20260301GZ0001", "R1", Money(2, "CNY"), Money(1, "CNY"), "https://x.example/r"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@st.composite
def disfigured(draw: st.DrawFn) -> dict[str, Any]:
    """A genuine content with some fields replaced by anything."""
    content: dict[str, Any] = json.loads(json.dumps({**provider.paid("TC20260301GZ0001", 28800), **provider.REFUNDED}))
    for name in draw(st.sets(st.sampled_from(sorted(content)), max_size=4)):
        content[name] = draw(json_values)
    return content


@FUZZ
@given(content=disfigured(), event=st.sampled_from(["TRANSACTION.SUCCESS", "REFUND.SUCCESS", "REFUND.CLOSED"]))
def test_a_disfigured_content_ends_in_a_value_or_a_failure_of_ours(content: dict[str, Any], event: str) -> None:
    headers, body = provider.callback(event, content)
    try:
        told = wire.notified(headers, body, provider.merchant, provider.ring, NOW)
    except (BadInput, Unrecognised):
        return
    assert told.sent_at.tzinfo is not None
    told.text.encode("utf-8")


@FUZZ
@given(
    body=st.binary(max_size=200)
    | st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.just(b"[" * 99999)
)
def test_any_signed_bytes_end_in_bad_input(body: bytes) -> None:
    with pytest.raises(BadInput):
        wire.notified(provider.sign(body), body, provider.merchant, provider.ring, NOW)


@FUZZ
@given(resource=st.dictionaries(st.sampled_from(["algorithm", "nonce", "ciphertext", "associated_data"]), json_values))
def test_a_disfigured_resource_ends_in_a_failure_of_ours(resource: dict[str, Any]) -> None:
    told = {"id": "EV", "create_time": "2026-03-01T10:18:23+08:00", "event_type": "TRANSACTION.SUCCESS"}
    whole = {"algorithm": "AEAD_AES_256_GCM", "nonce": "TESTnonce001", "ciphertext": "AAAA", "associated_data": ""}
    body = json.dumps(told | {"resource": whole | resource}).encode()
    with pytest.raises((BadInput, Unrecognised, Undecryptable)):
        wire.notified(provider.sign(body), body, provider.merchant, provider.ring, NOW)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":2}',
        b'{"a":NaN}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' + b'{"a":' * 20 + b"1" + b"}" * 21,
        b'\xff\xfe{"a":1}',
        b"[]",
        b" " * (256 * 1024 + 1),
    ],
)
def test_json_that_could_be_read_in_two_ways_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        Fields.parse(body)
