"""Alipay's trade methods: what is asked, and how the fields of an answer read. Pure; the envelope is `envelope.py`'s.

Source: Alipay Open Platform documentation (our reference page on payments, 1.5 to 1.10), as of mid 2026.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from services.payments.providers.alipay import statuses
from services.payments.providers.alipay.envelope import CHINA, Call, stamp
from services.payments.providers.base import (
    Capture,
    Exchange,
    OpenAsk,
    Opened,
    Refund,
    RefundAsk,
    RefundState,
    Trade,
    TradeState,
    Unanswered,
)
from services.payments.providers.fields import Fields, dump
from services.payments.providers.words import known
from shared.errors import BadInput, Unrecognised
from shared.money import Money

QR_LIFE: Final = timedelta(hours=2)
_NUMBER: Final = re.compile(r"[0-9A-Za-z_]{1,64}")
_YUAN: Final = re.compile(r"(0|[1-9][0-9]{0,8})\.[0-9]{2}")
_FORBIDDEN_IN_SUBJECT: Final = str.maketrans(dict.fromkeys("/=&", " "))


# Requests


def call(method: str, biz: Mapping[str, object], notify_url: str = "") -> Call:
    """Values of nothing are left out."""
    return Call(method, dump({name: value for name, value in biz.items() if value}).decode(), notify_url)


def build_open(ask: OpenAsk) -> Call:
    """`time_expire` and not `timeout_express`: a repetition must be equal in every field."""
    biz = {
        "out_trade_no": _number(ask.out_trade_no),
        "total_amount": _yuan(ask.amount),
        "subject": _subject(ask.description),
        "product_code": "QR_CODE_OFFLINE",
        "time_expire": stamp(ask.expires_at),
    }
    return call(statuses.PRECREATE, biz, ask.notify_url)


def build_query(out_trade_no: str) -> Call:
    return call(statuses.QUERY, {"out_trade_no": _number(out_trade_no)})


def build_close(out_trade_no: str) -> Call:
    return call(statuses.CLOSE, {"out_trade_no": _number(out_trade_no)})


def build_cancel(out_trade_no: str) -> Call:
    """For a payment whose outcome nobody knows: closes it if unpaid, sends it back if paid."""
    return call(statuses.CANCEL, {"out_trade_no": _number(out_trade_no)})


def build_refund(ask: RefundAsk) -> Call:
    """`trade_no` wins where both are named: it tells two charges of one number apart."""
    biz = {
        "out_trade_no": _number(ask.out_trade_no),
        "trade_no": ask.transaction_id,
        "refund_amount": _yuan(ask.amount),
        "out_request_no": _request_no(ask.out_refund_no),
        "refund_reason": ask.reason[:256],
    }
    return call(statuses.REFUND, biz)


def build_query_refund(ask: RefundAsk) -> Call:
    biz = {
        "out_trade_no": _number(ask.out_trade_no),
        "trade_no": ask.transaction_id,
        "out_request_no": _request_no(ask.out_refund_no),
        "query_options": ["gmt_refund_pay"],
    }
    return call(statuses.REFUND_QUERY, biz)


def build_certificate(sn: str) -> Call:
    return call(statuses.CERTIFICATE, {"alipay_cert_sn": sn})


# Answers


def parse_opened(fields: Fields, ask: OpenAsk, exchange: Exchange, now: datetime) -> Opened:
    check_echo(fields, "out_trade_no", ask.out_trade_no)
    return Opened(fields.text("qr_code", limit=1024), min(ask.expires_at, now + QR_LIFE), exchange)


def parse_trade(fields: Fields, out_trade_no: str, exchange: Exchange | None = None) -> Trade:
    """A closed trade that names a time of payment was paid, and all of it went back."""
    check_echo(fields, "out_trade_no", out_trade_no)
    state = known(statuses.TRADE_STATES, fields.text("trade_status", limit=32), "trade_status")
    if state is TradeState.CLOSED and fields.optional_text("send_pay_date"):
        state = TradeState.PAID
    return Trade(out_trade_no, state, _capture(fields) if state is TradeState.PAID else None, exchange)


def _capture(fields: Fields) -> Capture:
    paid = fields.optional_text("buyer_pay_amount", limit=16)
    return Capture(
        out_trade_no=fields.text("out_trade_no", limit=64),
        transaction_id=fields.text("trade_no", limit=64),
        amount=yuan(fields.text("total_amount", limit=16), "total_amount"),
        paid_at=moment(fields.text("send_pay_date", limit=32), "send_pay_date"),
        payer_ref=fields.optional_text("buyer_open_id", limit=128) or fields.optional_text("buyer_user_id", limit=64),
        payer_amount=yuan(paid, "buyer_pay_amount") if paid else None,
    )


def parse_cancelled(fields: Fields, out_trade_no: str) -> bool:
    """Whether it had been paid and went back. Raises Unanswered where Alipay wants to be asked again."""
    check_echo(fields, "out_trade_no", out_trade_no)
    if fields.optional_text("retry_flag", limit=1) == "Y":
        raise Unanswered("Alipay could not cancel yet")
    return known({"close": False, "refund": True}, fields.optional_text("action", limit=16) or "close", "cancel action")


def parse_refund(fields: Fields, ask: RefundAsk) -> Refund:
    """`fund_change` N is no failure: a repeated request moves nothing, so it is to be asked about.

    `refund_fee` is what of the trade went back altogether, never this refund's amount.
    """
    check_echo(fields, "out_trade_no", ask.out_trade_no)
    moved = known(statuses.MOVED, fields.optional_text("fund_change", limit=4), "fund_change")
    at = fields.optional_text("gmt_refund_pay", limit=32)
    return Refund(
        ask.out_trade_no, ask.out_refund_no, ask.out_refund_no, ask.amount,
        RefundState.SUCCEEDED if moved else RefundState.PROCESSING, moment(at, "gmt_refund_pay") if at else None,
    )  # fmt: skip


def parse_refund_found(fields: Fields, ask: RefundAsk) -> Refund | None:
    """None where Alipay says success and nothing else: it has no such refund, or it failed."""
    status = fields.optional_text("refund_status", limit=32)
    if not status:
        return None
    if status != statuses.REFUNDED:
        raise Unrecognised("refund_status", status)
    check_echo(fields, "out_request_no", ask.out_refund_no)
    at, amount = fields.optional_text("gmt_refund_pay", limit=32), fields.text("refund_amount", limit=16)
    return Refund(
        ask.out_trade_no, ask.out_refund_no, ask.out_refund_no, yuan(amount, "refund_amount"), RefundState.SUCCEEDED,
        moment(at, "gmt_refund_pay") if at else None,
    )  # fmt: skip


def parse_certificate(fields: Fields) -> bytes:
    """The PEM text of a certificate of Alipay's, to be believed only if a root vouches for it."""
    try:
        return base64.b64decode(fields.text("alipay_cert_content", limit=64 * 1024), validate=True)
    except ValueError as error:
        raise BadInput("not Base64", where="alipay_cert_content") from error


# Values


def check_echo(fields: Fields, name: str, asked: str) -> None:
    """Answers are signed, but not bound to a request."""
    if fields.text(name, limit=64) != asked:
        raise BadInput("an answer about something else", where=name)


def moment(text: str, where: str) -> datetime:
    """yyyy-MM-dd HH:mm:ss of the years 2000 to 2099, China time; milliseconds are tolerated."""
    try:
        at = datetime.strptime(text[:19], "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA)
    except ValueError as error:
        raise BadInput("not a time", where=where) from error
    if not 2000 <= at.year < 2100:
        raise BadInput("a time of another century", where=where)
    return at


def yuan(text: str, where: str) -> Money:
    """Decimal yuan with exactly two places; any other spelling is refused, not rounded."""
    if not _YUAN.fullmatch(text):
        raise BadInput("not an amount in yuan", where=where)
    return Money(int(Decimal(text).scaleb(2)), "CNY")


def _yuan(amount: Money) -> str:
    if amount.currency != "CNY" or not 1 <= amount.minor <= 10**10:
        raise BadInput("the gateway takes CNY, 0.01 to 100000000.00", where="amount")
    return amount.major()


def _number(number: str) -> str:
    if not _NUMBER.fullmatch(number):
        raise BadInput("up to 64 of 0-9A-Za-z_ are allowed", where="out_trade_no")
    return number


def _request_no(number: str) -> str:
    if not 1 <= len(number) <= 64 or not number.isascii():
        raise BadInput("1 to 64 ASCII characters", where="out_request_no")
    return number


def _subject(text: str) -> str:
    """Three characters may not be in it; what is left is cut where the field ends."""
    subject = text.translate(_FORBIDDEN_IN_SUBJECT).strip()[:256]
    if not subject:
        raise BadInput("must not be empty", where="subject")
    return subject
