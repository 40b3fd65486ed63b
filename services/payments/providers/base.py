"""What the payments service asks of any payment provider, in our words. Vendors differ below this line only.

Business keys are ours (`out_trade_no`, `out_refund_no`), stored before the first byte leaves. Calls raise
`Transient` (the same call may succeed later), `Unknown` (it may have been done: `resume_*`) or `Permanent`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol

from shared.errors import Permanent, Transient, Unknown, told
from shared.money import Money


class TradeState(StrEnum):
    """One attempt as its provider sees it. Whether it was refunded in full is told by our own refund records."""

    ABSENT = "absent"  # the provider has never heard of it: the same request may be sent
    PENDING = "pending"
    PAID = "paid"  # stays so when refunds follow
    CLOSED = "closed"  # unpaid


class RefundState(StrEnum):
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CLOSED = "closed"  # did not happen: another try needs a new out_refund_no
    ABNORMAL = "abnormal"  # the payer's account cannot take it: a person acts, the money is not back


class DeclarationState(StrEnum):
    """A payment document on its way through the provider to customs."""

    PENDING = "pending"
    ACCEPTED = "accepted"  # customs has the document; only now the order message may follow
    REFUSED = "refused"
    LOST = "lost"  # between provider and customs: `push_declaration`


class IdentityCheck(StrEnum):
    """Whether the payer whom the provider knows is the buyer whom we named."""

    SAME = "same"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


class Action(StrEnum):
    ADD = "add"
    MODIFY = "modify"  # voids what was declared under these numbers and queues this instead


@dataclass(frozen=True, slots=True)
class Exchange:
    """The texts exactly as sent and received: customs may ask for them (announcement 179 of 2018), for three years."""

    request: str
    answer: str


@dataclass(frozen=True, slots=True)
class OpenAsk:
    """A QR to be paid until `expires_at`. Repeated with the same key it must be equal in every field."""

    out_trade_no: str
    amount: Money
    description: str  # what the buyer reads; cut where the provider's field ends
    expires_at: datetime
    notify_url: str
    attach: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """The QR's content; nothing is paid yet. `expires_at` is the earlier of the order's and the QR's own end."""

    qr: str
    expires_at: datetime
    exchange: Exchange = field(repr=False)


@dataclass(frozen=True, slots=True)
class Capture:
    """Money that a buyer paid. `amount` is the order's, coupons of the platform included; never the payer's share."""

    out_trade_no: str
    transaction_id: str
    amount: Money
    paid_at: datetime
    payer_ref: str = field(default="", repr=False)  # the provider's opaque name of the payer
    bank: str = ""
    payer_amount: Money | None = None
    attach: str = ""


@dataclass(frozen=True, slots=True)
class Trade:
    """The answer to a query; `capture` exactly when paid."""

    out_trade_no: str
    state: TradeState
    capture: Capture | None = None
    exchange: Exchange | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class RefundAsk:
    """`total` is the whole payment; refunds of one payment may not exceed it (the caller checks before asking)."""

    out_trade_no: str
    out_refund_no: str
    amount: Money
    total: Money
    notify_url: str
    reason: str = ""
    transaction_id: str = ""


@dataclass(frozen=True, slots=True)
class Refund:
    out_trade_no: str
    out_refund_no: str
    refund_id: str
    amount: Money
    state: RefundState
    succeeded_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A sub-order that is declared by itself: freight + goods = what is declared."""

    sub_order_no: str
    freight: Money
    goods: Money


@dataclass(frozen=True, slots=True)
class Identity:
    """The buyer as the order names her; the provider compares, customs always gets the payer's registered identity."""

    name: str = field(repr=False)
    number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeclareAsk:
    """Ask the provider to declare the payment to customs (支付单)."""

    out_trade_no: str
    transaction_id: str
    place: str  # the provider's own word for the customs office
    merchant_customs_no: str
    amount: Money  # what customs will see: captured, less what was refunded before
    action: Action = Action.ADD
    part: Part | None = None
    identity: Identity | None = None
    merchant_customs_name: str = ""  # as registered with customs, where the provider wants it beside the number


@dataclass(frozen=True, slots=True)
class CustomsAnswer:
    """Where a payment document stands, and the numbers that the order message must repeat.

    Some providers tell the numbers and the comparison once, with the first answer: what is "" or UNKNOWN here says
    nothing against what was told before. `ver_dept`: 1 UnionPay, 2 NetsUnion, 3 other.
    """

    order_no: str
    pay_code: str
    pay_name: str
    pay_transaction_id: str
    amount: Money
    identity_check: IdentityCheck
    ver_dept: str
    clearing_transaction_id: str
    state: DeclarationState
    explanation: str = ""
    exchange: Exchange | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Expired:
    """Nobody paid this attempt, and nobody can any more."""

    out_trade_no: str


@dataclass(frozen=True, slots=True)
class SentBack:
    """Money of this attempt went back. Which refund it was, and how much, is to be asked: the notification counts."""

    out_trade_no: str


@dataclass(frozen=True, slots=True)
class Notified:
    """A provider's notification, verified, decrypted and read. Not yet checked against our own attempt.

    `once` are the keys that make a repetition visible: the notification's id, then what it says of what.
    `text` is the decrypted content as received, kept for customs.
    """

    once: tuple[str, str]
    sent_at: datetime
    content: Capture | Refund | Expired | SentBack
    text: str = field(repr=False)


class ProviderRefused(Permanent):
    """The provider understood and said no; `provider_code` is its word, `detail` its text for people."""

    code: ClassVar[str] = "payments.provider_refused"

    def __init__(self, provider_code: str, detail: str = "") -> None:
        super().__init__(f"the payment provider refused ({told(provider_code)})")
        self.provider_code, self.detail = provider_code, detail


class AlreadyPaid(ProviderRefused):
    """Asked to close what is paid: query and credit it, never mark it closed."""

    code = "payments.already_paid"


class NotFound(ProviderRefused):
    """The provider has no such trade or refund: nothing was done under this key."""

    code = "payments.not_found"


class Busy(Transient):
    """Refused for now (rate, balance to be topped up, host unreachable): the same call with the same key, later."""

    code = "payments.provider_busy"


class Unanswered(Unknown):
    """Sent, and no answer that can be believed: it may have been done. Never a second key, never a blind retry."""

    code = "payments.provider_unanswered"


class PaymentProvider(Protocol):
    """Every method may be called again with the same key: the provider does it once."""

    async def open(self, ask: OpenAsk) -> Opened: ...

    async def query(self, out_trade_no: str) -> Trade:
        """ABSENT is an answer, not an error."""
        ...

    async def close(self, out_trade_no: str) -> None:
        """Let nobody pay any more. Raises AlreadyPaid where the buyer was faster, or may have been: query."""
        ...

    async def refund(self, ask: RefundAsk) -> Refund: ...

    async def query_refund(self, ask: RefundAsk) -> Refund | None:
        """None: the provider has never heard of it."""
        ...

    async def declare(self, ask: DeclareAsk) -> CustomsAnswer:
        """After Unknown the identical ask again: customs takes a repetition without harm."""
        ...

    async def query_declaration(self, ask: DeclareAsk) -> CustomsAnswer | None:
        """Where the document asked for stands; None where the provider has none like it."""
        ...

    async def push_declaration(self, ask: DeclareAsk) -> CustomsAnswer:
        """Hand a LOST document to customs once more, unchanged."""
        ...

    async def notified(self, headers: Mapping[str, str], body: bytes, at: datetime | None = None) -> Notified:
        """Verify and read one. Raises SignatureRefused, BadInput, Unrecognised or Transient: see the vendor's wire.

        at: when it came in, where it is read again later; its signature was fresh then.
        """
        ...


async def resume_open(provider: PaymentProvider, ask: OpenAsk) -> Opened | Trade:
    """After Unknown: ask first; what is absent or still unpaid is sent again with the same key, which yields its QR."""
    trade = await provider.query(ask.out_trade_no)
    if trade.state in (TradeState.ABSENT, TradeState.PENDING):
        return await provider.open(ask)
    return trade


async def resume_refund(provider: PaymentProvider, ask: RefundAsk) -> Refund:
    """After Unknown: ask first; what is absent is sent again with the same key and amount."""
    return await provider.query_refund(ask) or await provider.refund(ask)


async def resume_close(provider: PaymentProvider, out_trade_no: str) -> Trade:
    """After Unknown or AlreadyPaid: the trade as it now stands; a pending one is closed again first."""
    trade = await provider.query(out_trade_no)
    if trade.state is TradeState.PENDING:
        await provider.close(out_trade_no)
        return Trade(out_trade_no, TradeState.CLOSED)
    return trade
