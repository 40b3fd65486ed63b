"""One order's dossier: what is known of it, what was assessed, what was sent, what customs said. Values only.

Facts of different topics come in any order: whatever comes first opens the dossier, and what they make possible
together is decided when the last of them is there.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from services.customs.documents import CNY, Kind
from services.customs.parts import Assessment, Booked, Cargo, Identity, Paid, Sale, Waybill
from services.customs.quota import Quota
from services.customs.receipts import Receipt
from services.customs.submission import DECLARING, Paper, Past, Phase, Submission, Withdrawal
from shared.events.values import Goods, Sealed
from shared.flow.decision import Kind as StateKind
from shared.ids import OrderId
from shared.money import Money

KEPT_RECEIPTS: Final = 60  # of one order; more than this many different ones were never seen
KEPT_VERSIONS: Final = 20


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
class Closed:
    """A case that a person settled, and what that person wrote about it."""

    code: str
    detail: str
    note: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Observed:
    """The channel's word about a declaration that is not ours."""

    status: Literal["clearing", "released", "refused"]
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
    cargo: Cargo = field(default_factory=Cargo)
    observed: Observed | None = None
    withdrawal: Withdrawal | None = None
    past: tuple[Past, ...] = ()
    closed: tuple[Closed, ...] = ()

    # --- small steps -------------------------------------------------------------------------------------------------

    def with_case(self, code: str, detail: str, now: datetime) -> Dossier:
        """One case per kind of trouble: the newest words of it."""
        others = tuple(case for case in self.cases if case.code != code)
        return replace(self, cases=(*others, Case(code, detail[:300], now)))

    def without_case(self, code: str) -> Dossier:
        return replace(self, cases=tuple(case for case in self.cases if case.code != code))

    def knows_case(self, code: str) -> bool:
        """Open, or settled by a person before."""
        return code in {case.code for case in self.cases} | {case.code for case in self.closed}

    def closing(self, code: str, note: str, by: str, now: datetime) -> Dossier:
        done = tuple(Closed(case.code, case.detail, note[:300], by, now) for case in self.cases if case.code == code)
        return replace(self.without_case(code), closed=(*self.closed, *done))

    def retiring(self) -> Dossier:
        """The version at hand is history."""
        sub = self.submission
        if sub is None:
            return self
        past = Past(sub.version, sub.attempt, sub.order_no, sub.cop_no, sub.phase, sub.findings)
        return replace(self, submission=None, past=(*self.past, past)[-KEPT_VERSIONS:])

    def logging(self, receipt: Receipt) -> Dossier:
        one = Logged(receipt.claim, receipt.kind, receipt.status, receipt.info[:200], receipt.at, receipt.business_key)
        return replace(self, receipts=(*self.receipts, one)[-KEPT_RECEIPTS:])

    def knows(self, receipt: Receipt) -> bool:
        claim = receipt.claim
        return any(one.claim == claim for one in self.receipts)

    # --- documents on their way --------------------------------------------------------------------------------------

    def paper(self, kind: Kind) -> Paper | None:
        if kind in DECLARING:
            return self.submission.paper(kind) if self.submission else None
        return self.withdrawal.paper if self.withdrawal and self.withdrawal.document is kind else None

    def with_paper(self, kind: Kind, paper: Paper) -> Dossier:
        if self.submission is not None and kind in DECLARING:
            return replace(self, submission=self.submission.with_paper(kind, paper))
        assert self.withdrawal is not None
        return replace(self, withdrawal=replace(self.withdrawal, paper=paper))

    def version_of(self, kind: Kind) -> int:
        """Under which number its bytes are stored."""
        if kind in DECLARING:
            return self.submission.version if self.submission else 0
        return self.withdrawal.number if self.withdrawal else 0

    def with_phase(self, phase: Phase) -> Dossier:
        assert self.submission is not None
        return replace(self, submission=replace(self.submission, phase=phase))

    # --- what may follow ---------------------------------------------------------------------------------------------

    @property
    def fingerprint(self) -> str:
        return self.person.fingerprint if self.person else ""

    @property
    def assessable(self) -> bool:
        """Placed in CNY, the goods set aside, the buyer named unless the platform declares. In another currency there
        is no payment document."""
        return (
            self.sale is not None
            and self.sale.amounts.total.currency == CNY
            and (self.person is not None or self.sale.observed)
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
            "measured weight": self.cargo.gross_grams > 0 or not sale.direct,
            "master bill": bool(self.cargo.master_bill and self.cargo.voyage) or not sale.direct,
            "inventory of our own": sale.declared_by.inventory == "self",
        }
        return tuple(name for name, there in parts.items() if not there)


DOSSIER: Final = StateKind("dossier", Dossier)
QUOTA: Final = StateKind("quota", Quota)


def person_lane(fingerprint: str) -> str:
    """Where one person's orders meet, so that two of them cannot take the same remaining amount."""
    return f"person:{fingerprint}"
