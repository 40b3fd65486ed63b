"""Declaring a payment to customs through WeChat Pay's v2 XML interface (mainland merchants). Pure.

Source: WeChat Pay documentation "customs declaration" (customdeclareorder, customdeclarequery,
customdeclareredeclare), revision of November 2024, and "signature algorithm" of API v2; as of mid 2026.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from services.payments.providers.base import CustomsAnswer, DeclareAsk, Exchange, Identity, IdentityCheck
from services.payments.providers.wechat import flatxml
from services.payments.providers.wechat.keys import Merchant
from services.payments.providers.wechat.statuses import (
    DECLARATION_STATES,
    IDENTITY_CHECKS,
    PAY_CODE,
    PAY_NAME,
    VERIFY_DEPARTMENTS,
    failure,
)
from services.payments.providers.wechat.wire import Answer, Call
from services.payments.providers.words import known
from shared.errors import BadInput, SignatureRefused, Unrecognised
from shared.money import Money

DECLARE: Final = "/cgi-bin/mch/customs/customdeclareorder"
QUERY: Final = "/cgi-bin/mch/customs/customdeclarequery"
PUSH: Final = "/cgi-bin/mch/newcustoms/customdeclareredeclare"
# A value that holds "&name=" could be cut into two fields, or two fields glued into it, under the same signature.
_AMBIGUOUS: Final = re.compile(r"&\w+=")


class SignType(StrEnum):
    """The customs pages document MD5 only; HMAC-SHA256 exists on other v2 interfaces."""

    MD5 = "MD5"
    HMAC_SHA256 = "HMAC-SHA256"


def text_to_sign(fields: Mapping[str, str], key: str) -> str:
    """Non-empty fields but `sign`, by name in ASCII order, `k=v` joined by `&`, the key last. Raw values."""
    if any(_AMBIGUOUS.search(value) for value in fields.values()):
        raise BadInput("a value that looks like a field of its own", where="sign")
    pairs = sorted((name, value) for name, value in fields.items() if value and name != "sign")
    return "&".join(f"{name}={value}" for name, value in (*pairs, ("key", key)))


def sign(fields: Mapping[str, str], key: str, how: SignType = SignType.MD5) -> str:
    """Upper-case hex. MD5 is the vendor's choice for this interface; the channel is TLS."""
    try:
        text = text_to_sign(fields, key).encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInput("text with a lone surrogate", where="sign") from error
    if how is SignType.HMAC_SHA256:
        return hmac.new(key.encode(), text, hashlib.sha256).hexdigest().upper()
    return hashlib.md5(text, usedforsecurity=False).hexdigest().upper()


def build_declare(merchant: Merchant, ask: DeclareAsk) -> Call:
    """Declare, or with MODIFY replace what was declared. An identical repetition is harmless to customs."""
    fields = _numbers(merchant, ask) | {"action_type": ask.action.upper()}
    return _call(DECLARE, fields | _part(ask) | _identity(ask.identity), merchant)


def build_query(merchant: Merchant, ask: DeclareAsk) -> Call:
    fields = {
        "appid": merchant.appid,
        "mch_id": merchant.mchid,
        "out_trade_no": ask.out_trade_no,
        "customs": ask.place,
        "sign_type": SignType.MD5.value,
    }
    return _call(QUERY, fields, merchant)


def build_push(merchant: Merchant, ask: DeclareAsk) -> Call:
    """For documents lost at the e-port: the provider takes it in its states SUCCESS and EXCEPT only."""
    sub_order = {"sub_order_no": ask.part.sub_order_no} if ask.part else {}
    return _call(PUSH, _numbers(merchant, ask) | sub_order | {"sign_type": SignType.MD5.value}, merchant)


def receive(answer: Answer, merchant: Merchant, how: SignType = SignType.MD5) -> dict[str, str]:
    """The signed fields of a successful answer; anything else is raised as what it means.

    `return_code` is not signed where it reports a failure: it is believed only as that. A success whose
    signature does not match is SignatureRefused.
    """
    if answer.status != 200:
        raise failure(answer.status, "", "")
    fields = flatxml.read(answer.body)
    if fields.get("return_code") != "SUCCESS":
        raise failure(400, fields.get("return_code", "")[:64], fields.get("return_msg", ""))
    if not hmac.compare_digest(fields.get("sign", "").encode(), sign(fields, merchant.apiv2_key, how).encode()):
        raise SignatureRefused("v2 sign")
    if fields.get("result_code") != "SUCCESS":
        raise failure(400, fields.get("err_code", "")[:64], fields.get("err_code_des", ""))
    _check(fields, "mch_id", merchant.mchid)
    _check(fields, "appid", merchant.appid)
    return fields


def parse_declared(fields: Mapping[str, str], ask: DeclareAsk, exchange: Exchange | None = None) -> CustomsAnswer:
    """The first answer brings the numbers; the amount is the one asked for, since it repeats none."""
    _check(fields, "out_trade_no", ask.out_trade_no)
    return _answer(fields, fields, ask, ask.amount, exchange)


def parse_queried(fields: Mapping[str, str], ask: DeclareAsk, exchange: Exchange | None = None) -> CustomsAnswer | None:
    """Of up to 50 records the one of our office and sub-order; None where there is none."""
    for record in _records(fields):
        sub_order_no = ask.part.sub_order_no if ask.part else ""
        if record.get("customs") == ask.place and record.get("sub_order_no", "") == sub_order_no:
            return _answer(fields, record, ask, _amount(record, ask), exchange)
    return None


def _answer(
    fields: Mapping[str, str], record: Mapping[str, str], ask: DeclareAsk, amount: Money, exchange: Exchange | None
) -> CustomsAnswer:
    # Every answer names the payment, and answers are not bound to a request: it must be the one we asked about.
    _check(fields, "transaction_id", ask.transaction_id)
    department, check = fields.get("verify_department", ""), record.get("cert_check_result", "")
    return CustomsAnswer(
        order_no=ask.part.sub_order_no if ask.part else ask.out_trade_no,
        pay_code=PAY_CODE,
        pay_name=PAY_NAME,
        pay_transaction_id=_pay_transaction_id(record, ask),
        amount=amount,
        identity_check=known(IDENTITY_CHECKS, check, "cert_check_result") if check else IdentityCheck.UNKNOWN,
        ver_dept=known(VERIFY_DEPARTMENTS, department, "verify_department") if department else "",
        clearing_transaction_id=fields.get("verify_department_trade_id", ""),
        state=known(DECLARATION_STATES, record.get("state", ""), "state"),
        explanation=record.get("explanation", ""),
        exchange=exchange,
    )


def _pay_transaction_id(record: Mapping[str, str], ask: DeclareAsk) -> str:
    """Of a split payment the number that WeChat gave the part, else the payment's own."""
    if ask.part is None:
        return ask.transaction_id
    _check(record, "sub_order_no", ask.part.sub_order_no)
    if not record.get("sub_order_id"):
        raise BadInput("a part without the number that customs sees", where="sub_order_id")
    return record["sub_order_id"]


def _records(fields: Mapping[str, str]) -> list[dict[str, str]]:
    count = fields.get("count", "")
    if not (count.isascii() and count.isdigit()) or len(count) > 3:
        raise BadInput("not a number of records", where="count")
    numbered: list[dict[str, str]] = [{} for _ in range(int(count))]
    for name, value in fields.items():
        base, _, number = name.rpartition("_")
        if base and number.isascii() and number.isdigit() and len(number) <= 3 and int(number) < len(numbered):
            numbered[int(number)][base] = value
    return numbered


def _amount(record: Mapping[str, str], ask: DeclareAsk) -> Money:
    fee = record.get("order_fee", "")
    if not fee:
        return ask.amount
    if not (fee.isascii() and fee.isdigit()) or len(fee) > 13:
        raise BadInput("not an amount in fen", where="order_fee")
    if (currency := record.get("fee_type") or "CNY") != "CNY":
        raise Unrecognised("fee_type", currency)
    return Money(int(fee), "CNY")


def _numbers(merchant: Merchant, ask: DeclareAsk) -> dict[str, str]:
    return {
        "appid": merchant.appid,
        "mch_id": merchant.mchid,
        "out_trade_no": ask.out_trade_no,
        "transaction_id": ask.transaction_id,
        "customs": ask.place,
        "mch_customs_no": ask.merchant_customs_no,
    }


def _part(ask: DeclareAsk) -> dict[str, str]:
    """Amounts are told for a split only; they must add up to what is declared, in fen."""
    if ask.part is None:
        return {}
    part = ask.part
    if part.freight + part.goods != ask.amount or ask.amount.currency != "CNY":
        raise BadInput("freight and goods do not add up to the declared CNY amount", where="order_fee")
    return {
        "sub_order_no": part.sub_order_no,
        "fee_type": "CNY",
        "order_fee": str(ask.amount.minor),
        "transport_fee": str(part.freight.minor),
        "product_fee": str(part.goods.minor),
    }


def _identity(identity: Identity | None) -> dict[str, str]:
    if identity is None:
        return {}
    return {"cert_type": "IDCARD", "cert_id": identity.number.upper(), "name": identity.name}


def _call(path: str, fields: dict[str, str], merchant: Merchant) -> Call:
    return Call("POST", path, flatxml.write(fields | {"sign": sign(fields, merchant.apiv2_key)}))


def _check(fields: Mapping[str, str], name: str, asked: str) -> None:
    if fields.get(name) != asked:
        raise BadInput("an answer about something else", where=name)
