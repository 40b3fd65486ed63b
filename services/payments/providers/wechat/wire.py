"""WeChat Pay API v3, mainland merchants: build, verify, parse. Pure; the v2 customs interface is in `customs.py`.

Source: WeChat Pay API v3 documentation: signature, callbacks, native order, query, close, refund, error codes,
platform certificates; as of mid 2026.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import quote

from services.payments.providers.base import (
    Capture,
    Exchange,
    Notified,
    OpenAsk,
    Opened,
    Refund,
    RefundAsk,
    Trade,
    TradeState,
    Unanswered,
)
from services.payments.providers.fields import Fields, dump
from services.payments.providers.wechat.keys import ALGORITHM, SCHEME, KeyRing, Merchant, PlatformKey
from services.payments.providers.wechat.statuses import (
    PAID_EVENT,
    REFUND_EVENTS,
    REFUND_STATES,
    TRADE_STATES,
    failure,
)
from services.payments.providers.words import known
from shared.errors import BadInput, Failure, SignatureRefused, Unrecognised
from shared.money import Money

CHINA: Final = timezone(timedelta(hours=8))
QR_LIFE: Final = timedelta(hours=2)
USER_AGENT: Final = "corridor-payments/1"
_OUT_TRADE_NO: Final = re.compile(r"[0-9A-Za-z_\-|*]{6,32}")
_OUT_REFUND_NO: Final = re.compile(r"[0-9A-Za-z_\-|*@]{1,64}")


@dataclass(frozen=True, slots=True)
class Call:
    """One request, not yet signed. `path` holds the query string too; both are percent-encoded already."""

    method: str
    path: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a callback is answered, to the byte."""

    status: int
    body: bytes


# Requests


def headers(
    merchant: Merchant, call: Call, target: str, *, now: datetime, nonce: str, platform: str = ""
) -> dict[str, str]:
    """All headers of a signed request.

    target: path and query exactly as the HTTP client sends them. nonce: 32 random characters.
    platform: PUB_KEY_ID_… asks for answers signed with that key; the serial of the key wherever a field is encrypted.
    """
    timestamp = str(int(now.timestamp()))
    text = b"%s\n%s\n%s\n%s\n%s\n" % (*(part.encode() for part in (call.method, target, timestamp, nonce)), call.body)
    pairs = {
        "mchid": merchant.mchid,
        "nonce_str": nonce,
        "signature": merchant.sign(text),
        "timestamp": timestamp,
        "serial_no": merchant.serial_no,
    }
    signed = {
        "Accept": "application/json",
        "User-Agent": USER_AGENT,
        "Authorization": f"{SCHEME} " + ",".join(f'{name}="{value}"' for name, value in pairs.items()),
    }
    signed |= {"Content-Type": "application/json"} if call.body else {}
    return signed | ({"Wechatpay-Serial": platform} if platform else {})


def build_open(merchant: Merchant, ask: OpenAsk) -> Call:
    """A native order. Equal asks give equal bytes: the provider takes a repetition only with identical parameters."""
    body = {
        "appid": merchant.appid,
        "mchid": merchant.mchid,
        "description": _cut(ask.description, 127, "description"),
        "out_trade_no": _out_trade_no(ask.out_trade_no),
        "time_expire": ask.expires_at.astimezone(CHINA).isoformat(timespec="seconds"),
        **({"attach": _at_most(ask.attach, 128, "attach")} if ask.attach else {}),
        "notify_url": _notify_url(ask.notify_url),
        "amount": {"total": _fen(ask.amount), "currency": "CNY"},
    }
    return Call("POST", "/v3/pay/transactions/native", dump(body))


def build_query(merchant: Merchant, out_trade_no: str) -> Call:
    number = quote(_out_trade_no(out_trade_no), safe="")
    return Call("GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={quote(merchant.mchid, safe='')}")


def build_close(merchant: Merchant, out_trade_no: str) -> Call:
    number = quote(_out_trade_no(out_trade_no), safe="")
    return Call("POST", f"/v3/pay/transactions/out-trade-no/{number}/close", dump({"mchid": merchant.mchid}))


def build_refund(ask: RefundAsk) -> Call:
    """By the provider's number where we have it. `notify_url` always: without it an old v2 address might be used."""
    if not 0 < ask.amount.minor <= ask.total.minor:
        raise BadInput("a refund lies between one fen and the whole payment", where="amount")
    payment = (
        {"transaction_id": ask.transaction_id}
        if ask.transaction_id
        else {"out_trade_no": _out_trade_no(ask.out_trade_no)}
    )
    body = {
        **payment,
        "out_refund_no": _out_refund_no(ask.out_refund_no),
        **({"reason": _cut(ask.reason, 80, "reason")} if ask.reason else {}),
        "notify_url": _notify_url(ask.notify_url),
        "amount": {"refund": _fen(ask.amount), "total": _fen(ask.total), "currency": "CNY"},
    }
    return Call("POST", "/v3/refund/domestic/refunds", dump(body))


def build_query_refund(out_refund_no: str) -> Call:
    return Call("GET", f"/v3/refund/domestic/refunds/{quote(_out_refund_no(out_refund_no), safe='')}")


def build_certificates() -> Call:
    return Call("GET", "/v3/certificates")


# Answers


def receive(answer: Answer, ring: KeyRing, now: datetime) -> Fields:
    """The fields of a 2xx answer that WeChat Pay signed; of a 204 none.

    Any other status is raised as what it means for us; such answers carry no signature. 202 is `Unanswered`:
    accepted, outcome not known yet. SignatureRefused where a 2xx is not authentic.
    """
    if answer.status not in (200, 201, 204):
        raise _refusal(answer)
    ring.verify(answer.headers, answer.body, now)
    return Fields.parse(answer.body) if answer.body else Fields({})


def parse_opened(fields: Fields, ask: OpenAsk, exchange: Exchange, now: datetime) -> Opened:
    return Opened(fields.text("code_url", limit=512), min(ask.expires_at, now + QR_LIFE), exchange)


def parse_trade(fields: Fields, merchant: Merchant, out_trade_no: str, exchange: Exchange | None = None) -> Trade:
    """The answer to a query, which must be about what was asked: answers are signed, but not bound to a request."""
    _check_ours(fields, merchant)
    _check_echo(fields, "out_trade_no", out_trade_no)
    state = known(TRADE_STATES, fields.text("trade_state", limit=32), "trade_state")
    return Trade(out_trade_no, state, _capture(fields) if state is TradeState.PAID else None, exchange)


def parse_refund(fields: Fields, out_refund_no: str) -> Refund:
    """The answer to a refund or its query. Its `status` is called `refund_status` in callbacks."""
    _check_echo(fields, "out_refund_no", out_refund_no)
    return _refund(fields, fields.text("status", limit=32))


def parse_certificates(answer: Answer, merchant: Merchant, ring: KeyRing, now: datetime) -> tuple[PlatformKey, ...]:
    """Every certificate of the list, once the answer is verified by one of them or by a key already trusted.

    The first download cannot be verified before it is decrypted: what the APIv3 key opens is loaded, and then
    the same answer must verify. An expired certificate is left out.
    """
    if answer.status != 200:
        raise _refusal(answer)
    rows = Fields.parse(answer.body).rows("data")
    loaded = tuple(_certificate(row, merchant) for row in rows)
    ring.including(loaded, now).verify(answer.headers, answer.body, now)
    return tuple(key for key in loaded if key.live(now))


# Callbacks


def notified(headers: Mapping[str, str], body: bytes, merchant: Merchant, ring: KeyRing, now: datetime) -> Notified:
    """Verify, then read. After SignatureRefused nothing of the body was looked at."""
    ring.verify(headers, body, now)
    return read(body, merchant)


def read(body: bytes, merchant: Merchant) -> Notified:
    """Decrypt and read a callback whose signature was verified.

    BadInput: not an envelope. Undecryptable: sealed with another key. Unrecognised: an unknown event or word,
    or a merchant that is not ours. Amounts are not compared with our attempt here.
    """
    envelope = Fields.parse(body)
    event_type, event_id = envelope.text("event_type", limit=64), envelope.text("id", limit=64)
    plaintext = _unseal(envelope.inner("resource"), merchant)
    fields = Fields.parse(plaintext)
    _check_ours(fields, merchant)
    content = _content(event_type, fields)
    return Notified(
        (event_id, f"{fields.optional_text('transaction_id')}:{event_type}:{fields.optional_text('out_refund_no')}"),
        envelope.moment("create_time"),
        content,
        plaintext.decode("utf-8"),
    )


def reply(problem: Failure | None) -> Reply:
    """How a callback is answered once it is stored, or why it is not taken. Anything but 2xx makes it come again.

    Unrecognised is acknowledged: it is authentic, stored raw, and a repetition would say the same.
    """
    match problem:
        case None | Unrecognised():
            return Reply(204, b"")
        case SignatureRefused():
            return Reply(401, _failed("signature"))
        case BadInput():
            return Reply(400, _failed("malformed"))
        case _:
            return Reply(500, _failed("try again"))


def _content(event_type: str, fields: Fields) -> Capture | Refund:
    if event_type == PAID_EVENT:
        if known(TRADE_STATES, fields.text("trade_state", limit=32), "trade_state") is not TradeState.PAID:
            raise Unrecognised("trade_state of a payment callback", fields.text("trade_state"))
        return _capture(fields)
    status = known(REFUND_EVENTS, event_type, "event_type")
    if fields.text("refund_status", limit=32) != status:
        raise Unrecognised("refund_status of a refund callback", fields.text("refund_status"))
    return _refund(fields, status)


def _unseal(resource: Fields, merchant: Merchant) -> bytes:
    if resource.text("algorithm", limit=64) != ALGORITHM:
        raise Unrecognised("resource algorithm", resource.text("algorithm"))
    return merchant.unseal(
        resource.text("nonce", limit=64),
        resource.optional_text("associated_data", limit=64),
        resource.text("ciphertext", limit=256 * 1024),
    )


def _capture(fields: Fields) -> Capture:
    amount = fields.inner("amount")
    # Of a coupon's order the payer pays less than `total`; the order is covered all the same.
    payer_currency = _currency(amount, "payer_currency")
    return Capture(
        out_trade_no=fields.text("out_trade_no", limit=32),
        transaction_id=fields.text("transaction_id", limit=32),
        amount=amount.money("total", _currency(amount, "currency")),
        paid_at=fields.moment("success_time"),
        payer_ref=_payer(fields.optional_inner("payer")),
        bank=fields.optional_text("bank_type", limit=32),
        payer_amount=amount.money("payer_total", payer_currency) if "payer_total" in amount.values else None,
        attach=fields.optional_text("attach", limit=128),
    )


def _payer(payer: Fields) -> str:
    return next((ref for name in ("openid", "sp_openid", "sub_openid") if (ref := payer.optional_text(name))), "")


def _refund(fields: Fields, status: str) -> Refund:
    amount = fields.inner("amount")
    return Refund(
        out_trade_no=fields.text("out_trade_no", limit=32),
        out_refund_no=fields.text("out_refund_no", limit=64),
        refund_id=fields.text("refund_id", limit=32),
        amount=amount.money("refund", _currency(amount, "currency")),
        state=known(REFUND_STATES, status, "refund status"),
        succeeded_at=fields.optional_moment("success_time"),
    )


def _currency(amount: Fields, name: str) -> str:
    """Refund callbacks name none: the domestic host knows only CNY."""
    return amount.optional_text(name, limit=3) or "CNY"


def _certificate(row: Fields, merchant: Merchant) -> PlatformKey:
    key = PlatformKey.from_certificate(_unseal(row.inner("encrypt_certificate"), merchant))
    _check_echo(row, "serial_no", key.serial)
    return key


def _refusal(answer: Answer) -> Failure:
    """The error that a non-2xx answer reports. Not signed, so nothing is believed but that it was refused."""
    if answer.status < 400:
        return Unanswered(f"WeChat Pay answered HTTP {answer.status}")
    try:
        fields = Fields.parse(answer.body)
        code, detail = fields.optional_text("code", limit=64), fields.optional_text("message")
    except BadInput:
        code, detail = "", ""
    return failure(answer.status, code, detail)


def _check_ours(fields: Fields, merchant: Merchant) -> None:
    """Ours is what names our merchant number, as the merchant itself, as an institution or as its sub-merchant."""
    for ours, names in (
        (merchant.mchid, ("mchid", "sp_mchid", "sub_mchid")),
        (merchant.appid, ("appid", "sp_appid", "sub_appid")),
    ):
        told = [value for name in names if (value := fields.optional_text(name, limit=64))]
        # Refunds name no appid at all; a merchant number is always there.
        if (told or ours == merchant.mchid) and ours not in told:
            raise Unrecognised(names[0], ",".join(told))


def _check_echo(fields: Fields, name: str, asked: str) -> None:
    if fields.text(name, limit=64) != asked:
        raise BadInput("an answer about something else", where=name)


def _out_trade_no(number: str) -> str:
    if not _OUT_TRADE_NO.fullmatch(number):
        raise BadInput("6 to 32 of 0-9A-Za-z_-|* are allowed", where="out_trade_no")
    return number


def _out_refund_no(number: str) -> str:
    if not _OUT_REFUND_NO.fullmatch(number):
        raise BadInput("up to 64 of 0-9A-Za-z_-|*@ are allowed", where="out_refund_no")
    return number


def _fen(amount: Money) -> int:
    if amount.currency != "CNY" or amount.minor < 1:
        raise BadInput("the domestic host takes CNY, one fen at least", where="amount")
    return amount.minor


def _notify_url(url: str) -> str:
    if not url or len(url) > 255 or "?" in url:
        raise BadInput("a notify_url has no query string and at most 255 characters", where="notify_url")
    return url


def _cut(text: str, limit: int, where: str) -> str:
    if not text:
        raise BadInput("must not be empty", where=where)
    return text[:limit]


def _at_most(text: str, limit: int, where: str) -> str:
    if len(text) > limit:
        raise BadInput(f"at most {limit} characters", where=where)
    return text


def _failed(message: str) -> bytes:
    return dump({"code": "FAIL", "message": message})
