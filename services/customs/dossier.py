"""One order's dossier: what is known of it, what was assessed, what was sent, what customs said. Values only.

Facts of different topics come in any order: whatever comes first opens the dossier, and what they make possible
together is decided when the last of them is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal

from services.customs.documents import CNY, Kind
from services.customs.pricing import PricedLine
from services.customs.quota import Quota
from services.customs.receipts import PAPERS, Progress, Receipt, State
from shared.events.values import Amounts, DeclaredBy, Finding, Goods, OrderLine, Sealed, Valuation
from shared.flow.decision import Kind as StateKind
from shared.ids import OrderId, ParcelId
from shared.money import Money

KEPT_RECEIPTS: Final = 60  # of one order; more than this many different ones were never seen


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


class Phase(StrEnum):
    """How far one version of the dossier came."""

    SIGNING = "signing"
    MISMATCHED = "mismatched"
    ORDER_SENT = "order_sent"
    INVENTORY_SENT = "inventory_sent"
    REJECTED = "rejected"


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
    """One version of the dossier: all its documents come from the same values."""

    version: int
    attempt: int
    order_no: str
    cop_no: str
    phase: Phase
    order: Paper
    inventory: Paper
    findings: tuple[Finding, ...] = ()

    def paper(self, kind: Kind) -> Paper:
        return self.order if kind is Kind.ORDER else self.inventory

    def with_paper(self, kind: Kind, paper: Paper) -> Submission:
        return replace(self, order=paper) if kind is Kind.ORDER else replace(self, inventory=paper)


@dataclass(frozen=True, slots=True)
class Logged:
    """A receipt as it came; `claim` makes a repeat a repeat."""

    claim: str
    kind: Kind
    status: str
    info: str
    at: datetime
    number: str


@dataclass(frozen=True, slots=True)
class TaxDue:
    """Customs' own bill. `status` 1 generated, 2 summarised, 3 void."""

    tax_no: str
    total: Money
    status: str


@dataclass(frozen=True, slots=True)
class Case:
    """Something that only a person can settle."""

    code: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Dossier:
    """One order's customs side.

    said: the last word spoken about the inventory, in the words of the papers track. order_stored: the order number
    that customs has. declared_as: our number of the inventory to which customs gave `invt_no`. valuations, versions:
    how many there were so far.
    """

    order_id: OrderId
    seller: str
    sale: Sale | None = None
    person: Sealed | None = None
    recipient: Sealed | None = None
    recipient_version: int = 0
    goods: tuple[Goods, ...] = ()
    identity: Identity = Identity.UNCHECKED
    assessment: Assessment | None = None
    valuations: int = 0
    booked: Booked | None = None
    paid: Paid | None = None
    waybill: Waybill = field(default_factory=Waybill)
    asked: int = 0
    versions: int = 0
    submission: Submission | None = None
    order_stored: str = ""
    declared_as: str = ""
    pre_no: str = ""
    invt_no: str = ""
    said: str = ""
    invt_no_said: str = ""
    tax_bill: TaxDue | None = None
    receipts: tuple[Logged, ...] = ()
    cases: tuple[Case, ...] = ()
    cancelled: bool = False

    # --- small steps -------------------------------------------------------------------------------------------------

    def with_case(self, code: str, detail: str, now: datetime) -> Dossier:
        """One case per kind of trouble: the newest words of it."""
        others = tuple(case for case in self.cases if case.code != code)
        return replace(self, cases=(*others, Case(code, detail[:300], now)))

    def without_case(self, code: str) -> Dossier:
        return replace(self, cases=tuple(case for case in self.cases if case.code != code))

    def logging(self, receipt: Receipt) -> Dossier:
        one = Logged(receipt.claim, receipt.kind, receipt.status, receipt.info[:200], receipt.at, receipt.business_key)
        return replace(self, receipts=(*self.receipts, one)[-KEPT_RECEIPTS:])

    def knows(self, receipt: Receipt) -> bool:
        claim = receipt.claim
        return any(one.claim == claim for one in self.receipts)

    # --- what may follow ---------------------------------------------------------------------------------------------

    @property
    def fingerprint(self) -> str:
        return self.person.fingerprint if self.person else ""

    @property
    def assessable(self) -> bool:
        """Placed in CNY, the buyer named, the goods set aside. In another currency there is no payment document."""
        return (
            self.sale is not None
            and self.sale.amounts.total.currency == CNY
            and self.person is not None
            and bool(self.goods)
            and not self.cancelled
        )

    @property
    def under_way(self) -> bool:
        """The inventory left, and customs has not refused it."""
        return self.submission is not None and self.submission.phase is Phase.INVENTORY_SENT

    @property
    def lacking(self) -> tuple[str, ...]:
        """What the dossier waits for before it can be built, by the name of what is missing."""
        sale, assessed = self.sale, self.assessment
        if sale is None:
            return ("order",)
        parts = {
            "assessment": assessed is not None and assessed.made,
            "recipient": self.recipient is not None,
            "request": self.asked > 0,
            "payment document": self.paid is not None,
            "waybill document": self.waybill.declared(self.recipient),
            "inventory of our own": sale.declared_by.inventory == "self",
        }
        return tuple(name for name, there in parts.items() if not there)


DOSSIER: Final = StateKind("dossier", Dossier)
QUOTA: Final = StateKind("quota", Quota)


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


def person_lane(fingerprint: str) -> str:
    """Where one person's orders meet, so that two of them cannot take the same remaining amount."""
    return f"person:{fingerprint}"
