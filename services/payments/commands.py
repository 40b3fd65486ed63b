"""What comes into payments from outside, what it asks to be done outside, and how that ended. Values only.

Every task is the whole of its call: the same row sent again is the same request under the same key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from shared.events.values import Sealed
from shared.ids import OrderId
from shared.money import Money

# What rows mean that were written before there were two providers.
FIRST_PROVIDER: Final = "wechat"

# Kinds of work.
OPEN: Final = "open-attempt"
QUERY: Final = "query-attempt"
CLOSE: Final = "close-attempt"
REFUND: Final = "refund"
REFUND_CHECK: Final = "refund-check"
DECLARE: Final = "declare-payment"
DECLARE_CHECK: Final = "declaration-check"
DECLARE_PUSH: Final = "declaration-push"

RefundWord = Literal["processing", "succeeded", "closed", "abnormal"]
DeclarationWord = Literal["pending", "accepted", "refused", "lost"]

# --- tasks ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OpenAttempt:
    """`again`: an earlier try may have been done, so the provider is asked before anything is sent."""

    order_id: OrderId
    attempt: int
    out_trade_no: str
    amount: Money
    title: str
    expires_at: datetime
    again: bool = False
    provider: str = FIRST_PROVIDER


@dataclass(frozen=True, slots=True)
class WatchAttempt:
    """Ask whether it is paid, or close it. `round` counts the questions from 0."""

    order_id: OrderId
    attempt: int
    out_trade_no: str
    round: int = 0
    provider: str = FIRST_PROVIDER


@dataclass(frozen=True, slots=True)
class SendBack:
    """A refund of one charge; `total` is the whole charge."""

    order_id: OrderId
    out_trade_no: str
    out_refund_no: str
    transaction_id: str
    amount: Money
    total: Money
    reason: str
    provider: str = FIRST_PROVIDER


@dataclass(frozen=True, slots=True)
class DeclarePayment:
    """`person` stays sealed until the call; the provider compares it with the payer."""

    order_id: OrderId
    out_trade_no: str
    transaction_id: str
    place: str
    merchant_customs_no: str
    amount: Money
    person: Sealed | None
    provider: str = FIRST_PROVIDER
    merchant_customs_name: str = ""


# --- how calls end, and what notifications say ----------------------------------------------------


@dataclass(frozen=True, slots=True)
class QrGiven:
    """`evidence`: request and answer to the letter, sealed; customs may ask for them for three years."""

    qr: str
    expires_at: datetime
    evidence: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Paid:
    out_trade_no: str
    transaction_id: str
    amount: Money
    paid_at: datetime
    evidence: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unpaid:
    """Nobody paid yet; somebody may."""


@dataclass(frozen=True, slots=True)
class Shut:
    """Nobody paid, and nobody can any more."""


@dataclass(frozen=True, slots=True)
class RefundNews:
    out_refund_no: str
    amount: Money
    word: RefundWord


@dataclass(frozen=True, slots=True)
class DeclarationNews:
    """Where the payment document stands, with the numbers that the order document must repeat.

    A provider may tell numbers and comparison once, with the first answer: "" and "unknown" take nothing back.
    """

    word: DeclarationWord
    order_no: str
    pay_code: str
    pay_name: str
    pay_transaction_id: str
    clearing_transaction_id: str
    amount: Money
    identity_check: Literal["same", "different", "unknown"]
    ver_dept: str
    explanation: str
    evidence: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class NotDeclared:
    """The provider has no such document: the declaration is to be sent again."""


@dataclass(frozen=True, slots=True)
class PaidTold:
    """A notification about money of this order."""

    order_id: OrderId
    paid: Paid


@dataclass(frozen=True, slots=True)
class RefundTold:
    order_id: OrderId
    news: RefundNews


@dataclass(frozen=True, slots=True)
class ExpiredTold:
    """Nobody paid this attempt, and nobody can any more."""

    order_id: OrderId
    out_trade_no: str


@dataclass(frozen=True, slots=True)
class SentBackTold:
    """Money of this attempt went back; which refund it was is to be asked."""

    order_id: OrderId
    out_trade_no: str


@dataclass(frozen=True, slots=True)
class CaseClosed:
    """An operator settled the case with this number (from 1). `note` says how, for whoever looks later."""

    order_id: OrderId
    number: int
    note: str
    by: str
