"""What customs speaks. Key: the order id, always."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime

from shared.events.base import Event, event
from shared.events.values import Finding, Role, Valuation
from shared.ids import OrderId


class CustomsFact(Event):
    order_id: OrderId
    seller: str


@event("customs.assessment.made", version=1, key="order_id")
class AssessmentMade(CustomsFact):
    """The order may be declared in this flow, at this value and tax. Nothing was sent to customs."""

    valuation: Valuation
    findings: tuple[Finding, ...]


@event("customs.assessment.refused", version=1, key="order_id")
class AssessmentRefused(CustomsFact):
    """The order cannot be declared in this flow (goods, limit, identity, quota)."""

    reason: str
    findings: tuple[Finding, ...]


class DeclarationFact(CustomsFact):
    role: Role
    attempt: int


@event("customs.declaration.mismatched", version=1, key="order_id")
class DeclarationMismatched(DeclarationFact):
    """The documents do not agree: nothing was sent, each finding says what to mend."""

    findings: tuple[Finding, ...]


@event("customs.declaration.submitted", version=1, key="order_id")
class DeclarationSubmitted(DeclarationFact):
    """The inventory (621) is on its way; unknown counts as submitted. Customs has not answered."""

    cop_no: str
    dossier_version: int


@event("customs.declaration.stored", version=1, key="order_id")
class DeclarationStored(DeclarationFact):
    """Customs has it under its own number. Nothing is released."""

    invt_no: str


@event("customs.declaration.released", version=1, key="order_id")
class DeclarationReleased(DeclarationFact):
    """Customs released this dossier version. Release is revocable until the goods exit."""

    dossier_version: int
    at: AwareDatetime


@event("customs.declaration.held", version=1, key="order_id")
class DeclarationHeld(DeclarationFact):
    """Customs wants to look: the goods must not move."""

    reason: str


@event("customs.declaration.detained", version=1, key="order_id")
class DeclarationDetained(DeclarationFact):
    """Customs keeps the goods until it decides."""

    reason: str


@event("customs.declaration.rejected", version=1, key="order_id")
class DeclarationRejected(DeclarationFact):
    """Customs refused the inventory; after a correction the same order may be declared again."""

    code: str
    reason: str
    fix_en: str
    fix_zh: str
    final: bool = False
    """No correction helps (the buyer's yearly amount): the order cannot be declared in this flow any more."""


@event("customs.declaration.withdrawn", version=1, key="order_id")
class DeclarationWithdrawn(DeclarationFact):
    """Customs agreed: cancelled (623) or returned (625). The buyer's yearly amount is given back; the tax is not yet
    charged, or comes back by the bill."""

    kind: Literal["cancel", "return"]
    at: AwareDatetime


@event("customs.declaration.withdrawal-refused", version=1, key="order_id")
class WithdrawalRefused(DeclarationFact):
    """The declaration stands: it was released first, or customs refused to undo it."""

    kind: Literal["cancel", "return"]
    code: str
    reason: str


@event("customs.declaration.returned-abroad", version=1, key="order_id")
class DeclarationReturnedAbroad(DeclarationFact):
    """Customs sends the goods back abroad: they will not reach the buyer."""

    reason: str
