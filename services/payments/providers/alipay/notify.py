"""Alipay's notifications: a form to verify and to read, and how it is answered. Pure.

Source: Alipay Open Platform documentation of asynchronous notifications (our reference page on payments, 1.4), as of
mid 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from services.payments.providers.alipay import statuses
from services.payments.providers.alipay.keys import Account, Trust
from services.payments.providers.alipay.wire import moment, yuan
from services.payments.providers.base import Capture, Expired, Notified, SentBack, TradeState
from services.payments.providers.fields import MAX_BODY_BYTES, Fields
from services.payments.providers.words import known
from shared.errors import BadInput, Failure, SignatureRefused, Unrecognised
from shared.flow.decision import Reply

# Exactly seven characters; anything else, and any other status, makes it come again.
SUCCESS: Final = Reply(200, b"success", "text/plain; charset=utf-8")
FAIL: Final = Reply(200, b"fail", "text/plain; charset=utf-8")
_CHARSETS: Final = frozenset({"utf-8", "gbk"})
_MAX_FIELDS: Final = 200


def notified(body: bytes, account: Account, trust: Trust) -> Notified:
    """Verify, then read. After SignatureRefused nothing of the content was looked at.

    BadInput: no form. Unrecognised: another application or payee than ours, an unknown type or state, or a form that is
    truly Alipay's and lacks what it must say. Amount and number are not compared with our attempt here.
    """
    values, charset = decoded(body)
    text = _verified(values, charset, trust)
    try:
        return _read(Fields(dict(values)), account, text)
    except BadInput as error:
        # It will never say anything else: refused, it would come again for a day and leave nothing to look at.
        raise Unrecognised("content of a notification at", error.where) from error


def _read(fields: Fields, account: Account, text: str) -> Notified:
    _check_ours(fields, account)
    if fields.text("notify_type", limit=64) != "trade_status_sync":
        raise Unrecognised("notify_type", fields.text("notify_type"))
    status, trade_no = fields.text("trade_status", limit=32), fields.text("trade_no", limit=64)
    subject = f"{trade_no}:{status}:{fields.optional_text('out_biz_no', limit=64)}"
    sent_at = moment(fields.text("notify_time", limit=32), "notify_time")
    return Notified((fields.text("notify_id", limit=128), subject), sent_at, _content(fields, status), text)


def decoded(body: bytes) -> tuple[dict[str, str], str]:
    """The form, percent-decoded exactly once in its own charset; no name twice, no half pair."""
    if len(body) > MAX_BODY_BYTES:
        raise BadInput(f"{len(body)} bytes are too many", where="body")
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, encoding="latin-1",
            max_num_fields=_MAX_FIELDS,
        )  # fmt: skip
        charset = dict(pairs).get("charset", "utf-8").lower()
        if charset not in _CHARSETS:
            raise BadInput("a charset that Alipay does not use", where="charset")
        values = {name: value.encode("latin-1").decode(charset) for name, value in pairs}
    except ValueError as error:
        raise BadInput("not a form", where="body") from error
    if len(values) != len(pairs):
        raise BadInput("a name twice", where="body")
    return values, charset


def text_to_verify(values: Mapping[str, str], *, empties: bool) -> str:
    """Sorted by name without `sign` and, unlike requests, without `sign_type`."""
    names = (name for name in sorted(values) if name not in ("sign", "sign_type") and (empties or values[name]))
    return "&".join(f"{name}={values[name]}" for name in names)


def reply(problem: Failure | None) -> Reply:
    """Unrecognised is acknowledged: it is authentic, stored raw, and a repetition would say the same."""
    return SUCCESS if problem is None or isinstance(problem, Unrecognised) else FAIL


def _verified(values: Mapping[str, str], charset: str, trust: Trust) -> str:
    """The vendor's check code keeps empty values, its trouble-shooting page leaves them out: either will do."""
    if values.get("sign_type") != "RSA2":
        raise SignatureRefused("sign_type")
    kept, dropped = (text_to_verify(values, empties=empties) for empties in (True, False))
    try:
        trust.verify(kept.encode(charset), values.get("sign", ""))
    except SignatureRefused:
        if dropped == kept:
            raise
        trust.verify(dropped.encode(charset), values.get("sign", ""))
    return kept


def _check_ours(fields: Fields, account: Account) -> None:
    if fields.text("app_id", limit=32) != account.app_id:
        raise Unrecognised("app_id", fields.text("app_id"))
    seller_id, email = fields.optional_text("seller_id", limit=32), fields.optional_text("seller_email", limit=128)
    if seller_id != account.seller_id if seller_id else not account.seller_email or email != account.seller_email:
        raise Unrecognised("seller_id", seller_id or "(none)")


def _content(fields: Fields, status: str) -> Capture | Expired | SentBack:
    number = fields.text("out_trade_no", limit=64)
    match known(statuses.TRADE_STATES, status, "trade_status"):
        case TradeState.PAID:
            return _capture(fields, number)
        case TradeState.CLOSED:
            return SentBack(number) if _was_paid(fields) else Expired(number)
        case _:
            raise Unrecognised("trade_status of a notification", status)


def _was_paid(fields: Fields) -> bool:
    """One word for two ends: timed out unpaid, or paid and all of it sent back."""
    return any(fields.optional_text(name, limit=32) for name in ("gmt_refund", "refund_fee", "gmt_payment"))


def _capture(fields: Fields, number: str) -> Capture:
    paid = fields.optional_text("buyer_pay_amount", limit=16)
    at = "gmt_payment" if fields.optional_text("gmt_payment", limit=32) else "notify_time"
    return Capture(
        out_trade_no=number,
        transaction_id=fields.text("trade_no", limit=64),
        amount=yuan(fields.text("total_amount", limit=16), "total_amount"),
        paid_at=moment(fields.text(at, limit=32), at),
        payer_ref=fields.optional_text("buyer_open_id", limit=128) or fields.optional_text("buyer_id", limit=64),
        payer_amount=yuan(paid, "buyer_pay_amount") if paid else None,
        attach=fields.optional_text("passback_params", limit=512),
    )
