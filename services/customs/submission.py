"""Documents on their way: one version's order and inventory, and what takes a declaration back. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from services.customs.documents import Kind
from services.customs.parts import Waybill
from services.customs.receipts import PAPERS, Progress, State
from shared.events.values import Finding, Sealed
from shared.flow.decision import Kind as StateKind
from shared.ids import OrderId

Undoing = Literal["cancel", "return"]
UNDONE_BY: Final[dict[Undoing, Kind]] = {"cancel": Kind.CANCELLATION, "return": Kind.RETURN}
DECLARING: Final = (Kind.ORDER, Kind.INVENTORY)
UNDOING: Final = tuple(UNDONE_BY.values())


class Phase(StrEnum):
    """How far one version of the dossier came."""

    SIGNING = "signing"
    MISMATCHED = "mismatched"
    ORDER_SENT = "order_sent"
    INVENTORY_SENT = "inventory_sent"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Paper:
    """One signed document on its way. `envelope` keys its stored bytes; `resent` counts how often they went again."""

    guid: str
    message_id: str
    envelope: str
    app_type: str = "1"
    progress: Progress = field(default_factory=Progress)
    sent_at: datetime | None = None
    resent: int = 0
    error: str = ""

    @property
    def stored(self) -> bool:
        """Customs has it. "Declared before" can only mean these very bytes: nobody else signs under this number."""
        return PAPERS[self.progress.state] in ("stored", "released") or self.progress.state is State.ALREADY_DECLARED


@dataclass(frozen=True, slots=True)
class Submission:
    """One version of the dossier: all its documents come from the same values. A cancellation or return repeats whom
    and which waybill it named, whoever the buyer is by then."""

    version: int
    attempt: int
    order_no: str
    cop_no: str
    phase: Phase
    order: Paper
    inventory: Paper
    findings: tuple[Finding, ...] = ()
    person: Sealed | None = None
    waybill: Waybill = field(default_factory=Waybill)

    def paper(self, kind: Kind) -> Paper:
        return self.order if kind is Kind.ORDER else self.inventory

    def with_paper(self, kind: Kind, paper: Paper) -> Submission:
        return replace(self, order=paper) if kind is Kind.ORDER else replace(self, inventory=paper)


class Taking(StrEnum):
    """How far a withdrawal came: until customs has what it would undo, it waits."""

    WAITING = "waiting"
    SIGNING = "signing"
    SENT = "sent"
    REFUSED = "refused"
    AGREED = "agreed"


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The declaration is to be undone: `cancel` (623) before its release, `return` (625) after it. `number` counts
    them within the order."""

    number: int
    kind: Undoing
    reason: str
    cop_no: str
    paper: Paper
    taking: Taking = Taking.WAITING

    @property
    def document(self) -> Kind:
        return UNDONE_BY[self.kind]

    @property
    def open(self) -> bool:
        return self.taking not in (Taking.REFUSED, Taking.AGREED)


@dataclass(frozen=True, slots=True)
class Past:
    """A version that another one took the place of."""

    version: int
    attempt: int
    order_no: str
    cop_no: str
    phase: Phase
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class SignedEnvelope:
    """Signed bytes, sealed for this service's columns: base64 text. Written once, sent as often as it takes."""

    order_id: OrderId
    version: int
    kind: Kind
    sealed: str


ENVELOPE: Final = StateKind("envelope", SignedEnvelope)


def envelope_key(order_id: str, version: int, kind: Kind) -> str:
    return f"{order_id}/{version}/{kind}"
