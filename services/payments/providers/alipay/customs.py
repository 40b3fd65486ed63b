"""Alipay declares a payment to customs (alipay.trade.customs.declare), and says how far that is. Pure.

The first answer brings the numbers and, once, the comparison of payer and orderer; the query brings the state. There is
no change of a declaration: other content needs another `out_request_no`.
Source: Alipay Open Platform documentation (our reference page on payments, 1.8), as of mid 2026.
"""

from __future__ import annotations

import re
from typing import Final

from services.payments.providers.alipay import statuses, wire
from services.payments.providers.alipay.envelope import Call
from services.payments.providers.alipay.statuses import PAY_NAME
from services.payments.providers.base import (
    Action,
    CustomsAnswer,
    DeclarationState,
    DeclareAsk,
    Exchange,
    IdentityCheck,
    ProviderRefused,
)
from services.payments.providers.fields import Fields
from services.payments.providers.words import known
from shared.errors import BadInput
from shared.money import Money

_NUMBER: Final = re.compile(r"[0-9A-Za-z_-]{6,64}")
_CURRENCIES: Final = frozenset({"", "142", "CNY"})  # customs' code and ISO's


def request_no(ask: DeclareAsk) -> str:
    """Our number of the declaration: the same payment and part give the same one, so a repetition is harmless."""
    return f"CD{ask.part.sub_order_no if ask.part else ask.out_trade_no}"


def build_declare(ask: DeclareAsk) -> Call:
    if ask.action is not Action.ADD:
        raise ProviderRefused("MODIFY", "Alipay changes no declaration: a new one needs a number of its own")
    number = request_no(ask)
    if not _NUMBER.fullmatch(number):
        raise BadInput("6 to 64 of 0-9A-Za-z_- are allowed", where="out_request_no")
    biz: dict[str, object] = {
        "out_request_no": number,
        "trade_no": ask.transaction_id,
        "merchant_customs_code": ask.merchant_customs_no,
        "merchant_customs_name": ask.merchant_customs_name,
        "amount": ask.amount.major(),
        "customs_place": ask.place,
        "is_split": "T" if ask.part else "",
        "sub_out_biz_no": ask.part.sub_order_no if ask.part else "",
    }
    if ask.identity:
        biz["buyer_info"] = {"buyer_name": ask.identity.name, "buyer_cert_no": ask.identity.number}
    return wire.call(statuses.DECLARE, biz)


def build_query(*numbers: str) -> Call:
    """At most ten declarations."""
    if not 1 <= len(numbers) <= 10:
        raise BadInput("1 to 10 numbers", where="out_request_nos")
    return wire.call(statuses.DECLARED, {"out_request_nos": ",".join(numbers)})


def parse_declared(fields: Fields, ask: DeclareAsk, exchange: Exchange | None = None) -> CustomsAnswer:
    """Accepted by Alipay only: customs has not heard of it. `total_amount` is in fen, unlike any other amount."""
    if fields.optional_text("currency", limit=3) not in _CURRENCIES:
        raise BadInput("not a declaration in CNY", where="currency")
    fen = fields.optional_text("total_amount", limit=16)
    if fen and not (fen.isascii() and fen.isdecimal()):
        raise BadInput("not an amount in fen", where="total_amount")
    return CustomsAnswer(
        order_no=_order_no(ask),
        pay_code=fields.text("pay_code", limit=18),
        pay_name=PAY_NAME,
        pay_transaction_id=fields.text("trade_no", limit=60),
        amount=Money(int(fen), "CNY") if fen else ask.amount,
        identity_check=known(statuses.IDENTITY_CHECKS, fields.optional_text("identity_check", limit=1), "identity"),
        ver_dept=fields.optional_text("ver_dept", limit=1),
        clearing_transaction_id=fields.optional_text("pay_transaction_id", limit=60),
        state=DeclarationState.PENDING,
        exchange=exchange,
    )


def parse_queried(fields: Fields, ask: DeclareAsk, exchange: Exchange | None = None) -> CustomsAnswer | None:
    """None where Alipay has no such declaration; what only the first answer tells is empty here."""
    number = request_no(ask)
    records = fields.rows("records") if fields.values.get("records") is not None else ()
    mine = next((row for row in records if row.text("out_request_no", limit=64) == number), None)
    if mine is None:
        return None
    status, result = mine.text("status", limit=16), mine.optional_text("customs_result_code", limit=16)
    return CustomsAnswer(
        order_no=_order_no(ask),
        pay_code="",
        pay_name=PAY_NAME,
        pay_transaction_id=mine.text("trade_no", limit=60),
        amount=wire.yuan(mine.text("amount", limit=16), "amount"),
        identity_check=IdentityCheck.UNKNOWN,
        ver_dept="",
        clearing_transaction_id="",
        state=statuses.declaration_state(status, result),
        explanation=mine.optional_text("customs_result_info", limit=1024),
        exchange=exchange,
    )


def _order_no(ask: DeclareAsk) -> str:
    """What the merchant's own order message must repeat."""
    return ask.part.sub_order_no if ask.part else ask.out_trade_no
