"""Alipay's words and ours. An unknown word is Unrecognised, never a guess.

Source: Alipay Open Platform documentation of the trade methods, result codes and customs declaration, as of mid 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.payments.providers.base import (
    AlreadyPaid,
    Busy,
    DeclarationState,
    IdentityCheck,
    NotFound,
    ProviderRefused,
    TradeState,
    Unanswered,
)
from services.payments.providers.words import known
from shared.errors import Failure, told

# As registered with customs; the code comes with the declaration's answer and differs by office.
PAY_NAME: Final = "支付宝(中国)网络技术有限公司"

PRECREATE: Final = "alipay.trade.precreate"
QUERY: Final = "alipay.trade.query"
CLOSE: Final = "alipay.trade.close"
CANCEL: Final = "alipay.trade.cancel"
REFUND: Final = "alipay.trade.refund"
REFUND_QUERY: Final = "alipay.trade.fastpay.refund.query"
DECLARE: Final = "alipay.trade.customs.declare"
DECLARED: Final = "alipay.trade.customs.query"
CERTIFICATE: Final = "alipay.open.app.alipaycert.download"

SUCCESS: Final = "10000"
_UNKNOWN: Final = "20000"
_REFUSED_BY_BUSINESS: Final = "40004"
_TOO_OFTEN: Final = "40005"

# Of TRADE_CLOSED the state depends on whether it was ever paid: `wire` looks for evidence.
TRADE_STATES: Final[Mapping[str, TradeState]] = {
    "WAIT_BUYER_PAY": TradeState.PENDING,
    "TRADE_SUCCESS": TradeState.PAID,
    "TRADE_FINISHED": TradeState.PAID,  # paid, and can no longer be refunded
    "TRADE_CLOSED": TradeState.CLOSED,
}
REFUNDED: Final = "REFUND_SUCCESS"
MOVED: Final[Mapping[str, bool]] = {"Y": True, "N": False, "": False}

DECLARATION_STATES: Final[Mapping[str, DeclarationState]] = {
    "ws": DeclarationState.PENDING,
    "sending": DeclarationState.PENDING,
    "succ": DeclarationState.ACCEPTED,
}
_SEND_FAILED: Final = "4"
_RETURNED: Final = "100"

IDENTITY_CHECKS: Final[Mapping[str, IdentityCheck]] = {
    "T": IdentityCheck.SAME,
    "F": IdentityCheck.DIFFERENT,
    "": IdentityCheck.UNKNOWN,  # told once; a repeated declaration does not tell it again
}

# The last dotted part decides, for sources disagree on the `ACQ.` before it.
_PAID_ALREADY: Final = frozenset({"TRADE_HAS_SUCCESS"})
_NOT_THERE: Final = frozenset({"TRADE_NOT_EXIST"})
# Our own balance: topped up, the same request number goes through.
_LATER: Final = frozenset({"SELLER_BALANCE_NOT_ENOUGH", "SYSTEM_RATE_LIMIT", "USER_RATE_LIMIT"})
_NOBODY_KNOWS: Final = frozenset({"SYSTEM_ERROR"})
# To a close: it is in another state than unpaid. Which one is to be asked.
_NOT_UNPAID: Final = frozenset(
    {"TRADE_STATUS_ERROR", "REASON_TRADE_STATUS_INVALID", "REASON_ILLEGAL_STATUS", "TRADE_HAS_CLOSE"}
)


def failure(method: str, code: str, sub_code: str, detail: str, *, signed: bool) -> Failure:
    """What an answer other than 10000 means.

    Without a signature only what changes nothing is believed: that the gateway did not take the request.
    """
    word = sub_code or code
    if code == _TOO_OFTEN:
        return Busy(f"Alipay refuses for now ({told(word)})")
    if code == _UNKNOWN:
        return Unanswered(f"Alipay does not know either ({told(word)})")
    if code == _REFUSED_BY_BUSINESS:
        return _business(method, word, detail) if signed else Unanswered("Alipay's answer is not signed")
    return ProviderRefused(word, detail)


def _business(method: str, sub_code: str, detail: str) -> Failure:
    word = sub_code.rpartition(".")[2]
    if word in _PAID_ALREADY or (method == CLOSE and word in _NOT_UNPAID):
        return AlreadyPaid(sub_code, detail)
    if word in _NOT_THERE:
        return NotFound(sub_code, detail)
    if word in _LATER:
        return Busy(f"Alipay refuses for now ({told(sub_code)})")
    if word in _NOBODY_KNOWS:
        return Unanswered(f"Alipay does not know either ({told(sub_code)})")
    return ProviderRefused(sub_code, detail)


def declaration_state(status: str, result_code: str) -> DeclarationState:
    """`result_code` is customs' own: negative or 100 is a no, 4 is lost on the way; the rest goes by `status`."""
    if result_code.startswith("-") or result_code == _RETURNED:
        return DeclarationState.REFUSED
    if result_code == _SEND_FAILED:
        return DeclarationState.LOST
    return known(DECLARATION_STATES, status, "declaration status")
