"""What a dossier is made of: the sale, the payment's and the waybill's numbers, the flight, the assessment. Values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from services.customs.documents import TradeMode
from services.customs.pricing import PricedLine
from shared.events.values import Amounts, DeclaredBy, Finding, OrderLine, Sealed, Valuation
from shared.ids import ParcelId
from shared.money import Money


@dataclass(frozen=True, slots=True)
class Sale:
    """What was placed. It never changes; who buys and who receives may be corrected and stands beside it."""

    shop: str
    flow: str
    warehouse: str
    declared_by: DeclaredBy
    lines: tuple[OrderLine, ...]
    amounts: Amounts
    placed_at: datetime
    trade_mode: str = TradeMode.BONDED

    @property
    def direct(self) -> bool:
        """Travels by itself and is declared on arrival: with its own weight and flight."""
        return self.trade_mode == TradeMode.DIRECT

    @property
    def observed(self) -> bool:
        """The platform declares it. We assess, send nothing, and hear from the channel how far customs is."""
        return self.declared_by.inventory == "platform"


@dataclass(frozen=True, slots=True)
class Paid:
    """The payment document's numbers, from the answer to its declaration. They rule in ours."""

    order_no: str
    pay_code: str
    pay_name: str
    transaction_id: str
    amount: Money
    identity_check: Literal["same", "different", "unknown"]
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Waybill:
    """`declared_for` is the recipient's fingerprint on the waybill that customs accepted last, if we were told."""

    parcel_id: ParcelId | None = None
    number: str = ""
    code: str = ""
    name: str = ""
    accepted: bool = False
    declared_for: str = ""

    def declared(self, recipient: Sealed | None) -> bool:
        """Customs has it, for whom the order now goes to: after a correction the carrier declares anew."""
        same = recipient is None or self.declared_for in ("", recipient.fingerprint)
        return bool(self.number) and self.accepted and same


@dataclass(frozen=True, slots=True)
class Cargo:
    """Direct mail: what the scales said and in which consignment the parcel flies. Both stand in the inventory."""

    gross_grams: int = 0
    consignment_id: str = ""
    master_bill: str = ""
    voyage: str = ""
    vehicle: str = ""


class Identity(StrEnum):
    """What is known of the buyer's identity document: its form only, customs asks its own registers."""

    UNCHECKED = "unchecked"
    ASKED = "asked"
    SOUND = "sound"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Booked:
    """What stands in a person's yearly amount for this order."""

    person: str
    year: int
    base: Money


@dataclass(frozen=True, slots=True)
class Assessment:
    """`lines` are those of the documents: a sold line that does not divide became two."""

    valuation: Valuation | None
    lines: tuple[PricedLine, ...] = ()
    findings: tuple[Finding, ...] = ()
    reason: str = ""

    @property
    def made(self) -> bool:
        return self.valuation is not None
