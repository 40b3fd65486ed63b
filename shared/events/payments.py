"""What payments speaks. Key: the order id, always."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from shared.events.base import Event, event
from shared.ids import OrderId
from shared.money import Money


class PaymentFact(Event):
    order_id: OrderId
    seller: str


@event("payments.payment.opened", version=1, key="order_id")
class PaymentOpened(PaymentFact):
    """The provider took the attempt and gave a QR. Nobody has paid."""

    attempt: int
    out_trade_no: str
    qr: str
    amount: Money
    expires_at: AwareDatetime


@event("payments.payment.captured", version=1, key="order_id")
class PaymentCaptured(PaymentFact):
    """The provider has the buyer's money for this part. Not yet ours, not yet declared to customs."""

    attempt: int
    part: str
    out_trade_no: str
    transaction_id: str
    amount: Money
    covered: bool
    paid_at: AwareDatetime


@event("payments.payment.confirmed", version=1, key="order_id")
class PaymentConfirmed(PaymentFact):
    """The channel collected the buyer's money, by the word of `basis`; the channel owes it. We have nothing yet."""

    amount: Money
    basis: Literal["order", "statement"]
    external_no: str
    customs_no: str
    paid_at: AwareDatetime


@event("payments.payment.failed", version=1, key="order_id")
class PaymentFailed(PaymentFact):
    """The attempt could not be opened or was refused. The buyer was not charged."""

    attempt: int
    code: str
    reason: str


@event("payments.payment.closed", version=1, key="order_id")
class PaymentClosed(PaymentFact):
    """The attempt can no longer be paid and was not."""

    attempt: int


@event("payments.payment.duplicated", version=1, key="order_id")
class PaymentDuplicated(PaymentFact):
    """A second attempt was paid too; payments sends that one back by itself."""

    attempt: int
    out_trade_no: str
    amount: Money


@event("payments.payment.mismatched", version=1, key="order_id")
class PaymentMismatched(PaymentFact):
    """The provider reports a payment that is not the amount asked. Nothing is credited; a person decides."""

    attempt: int
    out_trade_no: str
    transaction_id: str
    asked: Money
    paid: Money


@event("payments.customs-declaration.accepted", version=1, key="order_id")
class PaymentDeclared(PaymentFact):
    """The provider declared the payment and customs has it (411). The order document may now quote these numbers."""

    order_no: str
    pay_code: str
    pay_name: str
    pay_transaction_id: str
    amount: Money
    identity_check: Literal["same", "different", "unknown"]
    ver_dept: str
    paid_at: AwareDatetime


@event("payments.customs-declaration.refused", version=1, key="order_id")
class PaymentDeclarationRefused(PaymentFact):
    """The provider or customs refused the payment document. The money is still captured."""

    code: str
    reason: str


@event("payments.refund.submitted", version=1, key="order_id")
class RefundSubmitted(PaymentFact):
    """The provider was asked to send the money back, and may have done so: from here on it counts as on its way."""

    refund_id: str
    amount: Money


@event("payments.refund.completed", version=1, key="order_id")
class RefundCompleted(PaymentFact):
    """The provider sent the money back."""

    refund_id: str
    amount: Money


@event("payments.refund.stalled", version=1, key="order_id")
class RefundStalled(PaymentFact):
    """The provider does not send it back: a person must act. Unknown counts as submitted."""

    refund_id: str
    amount: Money
    reason: str


@event("payments.escrow.held", version=1, key="order_id")
class EscrowHeld(PaymentFact):
    """The captured amount is booked as held for this order."""

    amount: Money


@event("payments.escrow.released", version=1, key="order_id")
class EscrowReleased(PaymentFact):
    """The hold is over: seller, tax and helpers have their shares in the ledger; the order's escrow is zero."""

    amount: Money
    seller_share: Money
