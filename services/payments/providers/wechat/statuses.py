"""WeChat Pay's words and ours. An unknown word is Unrecognised, never a guess.

Source: WeChat Pay API v3 documentation of orders, refunds and error codes; v2 documentation of customs
declaration (revision of November 2024); both as of mid 2026.
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
    RefundState,
    TradeState,
    Unanswered,
)
from shared.errors import Failure, told

# 财付通 as registered with customs: goes into payCode and payName of the order message.
PAY_CODE: Final = "4403169D3W"
PAY_NAME: Final = "财付通支付科技有限公司"

TRADE_STATES: Final[Mapping[str, TradeState]] = {
    "NOTPAY": TradeState.PENDING,
    "USERPAYING": TradeState.PENDING,
    "SUCCESS": TradeState.PAID,
    "REFUND": TradeState.PAID,  # set as soon as any refund exists, even of one fen
    "CLOSED": TradeState.CLOSED,
    "REVOKED": TradeState.CLOSED,
    "PAYERROR": TradeState.CLOSED,
}

REFUND_STATES: Final[Mapping[str, RefundState]] = {
    "PROCESSING": RefundState.PROCESSING,
    "SUCCESS": RefundState.SUCCEEDED,
    "CLOSED": RefundState.CLOSED,
    "ABNORMAL": RefundState.ABNORMAL,
}

# Callbacks exist for these only: a failed or abandoned payment is never told.
REFUND_EVENTS: Final[Mapping[str, str]] = {
    "REFUND.SUCCESS": "SUCCESS",
    "REFUND.ABNORMAL": "ABNORMAL",
    "REFUND.CLOSED": "CLOSED",
}
PAID_EVENT: Final = "TRANSACTION.SUCCESS"

DECLARATION_STATES: Final[Mapping[str, DeclarationState]] = {
    "UNDECLARED": DeclarationState.PENDING,
    "SUBMITTED": DeclarationState.PENDING,  # sent once already, a changed one waits to be sent
    "PROCESSING": DeclarationState.PENDING,
    "SUCCESS": DeclarationState.ACCEPTED,
    "FAIL": DeclarationState.REFUSED,
    "EXCEPT": DeclarationState.LOST,
}

IDENTITY_CHECKS: Final[Mapping[str, IdentityCheck]] = {
    "UNCHECKED": IdentityCheck.UNKNOWN,
    "SAME": IdentityCheck.SAME,
    "DIFFERENT": IdentityCheck.DIFFERENT,
}

# Clearing house → verDept of announcement 179.
VERIFY_DEPARTMENTS: Final[Mapping[str, str]] = {"UNIONPAY": "1", "NETSUNION": "2", "OTHERS": "3"}

_PAID_ALREADY: Final = frozenset({"ORDER_PAID", "ORDERPAID"})
_NOT_THERE: Final = frozenset({"ORDER_NOT_EXIST", "ORDERNOTEXIST", "RESOURCE_NOT_EXISTS"})
# NOT_ENOUGH is our balance: topped up, the same refund number goes through.
_LATER: Final = frozenset({"FREQUENCY_LIMITED", "RATELIMIT_EXCEEDED", "RATELIMIT_EXCEED", "NOT_ENOUGH"})
_NOBODY_KNOWS: Final = frozenset({"SYSTEM_ERROR", "SYSTEMERROR", "BANK_ERROR", "BANKERROR", "SERVICE_UNAVAILABLE"})


def failure(status: int, code: str, detail: str) -> Failure:
    """What an error answer means. The code decides, for the HTTP status of some codes differs between pages.

    Codes that we have never seen go by status: 5xx may have been done, other 4xx were not.
    """
    if code in _PAID_ALREADY:
        return AlreadyPaid(code, detail)
    if code in _NOT_THERE:
        return NotFound(code, detail)
    if code in _LATER:
        return Busy(f"WeChat Pay refuses for now ({told(code)})")
    if code in _NOBODY_KNOWS:
        return Unanswered(f"WeChat Pay does not know either ({told(code)})")
    return _by_status(status, code, detail)


def _by_status(status: int, code: str, detail: str) -> Failure:
    if status == 429:
        return Busy(f"WeChat Pay refuses for now (HTTP 429 {told(code)})")
    if 400 <= status < 500:
        return ProviderRefused(code or f"HTTP-{status}", detail)
    return Unanswered(f"WeChat Pay answered HTTP {status} {told(code)}")
