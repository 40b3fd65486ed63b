"""One order: all its tracks in one value, and the questions that join them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from services.orders.tracks import Carriage, Funds, Goods, Intent, Money, Papers
from shared.events.values import Amounts, DeclaredBy, OrderLine, Role, Sealed, StockLine, Valuation
from shared.flow.decision import Kind
from shared.ids import OrderId, ParcelId
from shared.money import Money as Amount

FlowKind = Literal["direct_mail", "bonded", "export_parcel", "b2b_freight"]
Paper = Literal["none", "accepted", "refused"]
DECLARABLE: Final = "CNY"  # the only currency for which a payment document can be made


@dataclass(frozen=True, slots=True)
class MoneyPlan:
    """What the buyer owes and how far it came. One part (`whole`) so far; deposits and balances are more parts.

    `paper` is the payment's own document (411), made by the provider.
    """

    state: Money = Money.NONE
    attempt: int = 0
    out_trade_no: str = ""
    qr: str = ""
    asked: Amount | None = None
    captured: Amount | None = None
    transaction_id: str = ""
    expires_at: datetime | None = None
    refunds: int = 0
    paper: Paper = "none"


@dataclass(frozen=True, slots=True)
class Stock:
    """What is set aside, with the weights of all of it; after `expires_at` an unpaid order loses it."""

    state: Goods = Goods.ASKED
    lines: tuple[StockLine, ...] = ()
    gross_grams: int = 0
    net_grams: int = 0
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """`exit` is our own authorisation, `paper` the waybill's document (511), `confirmed` what the channel was told."""

    state: Carriage = Carriage.ASKED
    waybill_no: str = ""
    carrier: str = ""
    exit: Literal["none", "authorised", "withdrawn"] = "none"
    confirmed: Literal["no", "asked", "yes", "refused"] = "no"
    paper: Paper = "none"
    delivered_at: datetime | None = None
    milestone: str = ""


@dataclass(frozen=True, slots=True)
class PaperTrail:
    """One role's declaration. `released_version` is the dossier version that customs released."""

    state: Papers = Papers.NONE
    attempt: int = 0
    invt_no: str = ""
    cop_no: str = ""
    dossier_version: int = 0
    released_version: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """Facts as they were placed, then one field per track. A track moves by the facts of its own service only.

    `channel_hold` and `channel_address` (a fingerprint) are what the channel said last: only news of it counts.
    """

    id: OrderId
    seller: str
    connection: str
    shop: str
    channel: str
    external_id: str
    flow: str
    flow_kind: FlowKind
    collected_by: Literal["self", "channel"]
    declared_by: DeclaredBy
    warehouse: str
    carrier: str
    lines: tuple[OrderLine, ...]
    amounts: Amounts
    recipient: Sealed
    recipient_version: int
    placed_at: datetime
    person: Sealed | None = None
    channel_hold: str = ""
    channel_address: str = ""
    intent: Intent = Intent.PLACED
    holds: tuple[str, ...] = ()
    money: MoneyPlan = field(default_factory=MoneyPlan)
    goods: Stock = field(default_factory=Stock)
    parcels: Mapping[ParcelId, Parcel] = field(default_factory=dict)
    papers: Mapping[Role, PaperTrail] = field(default_factory=dict)
    funds: Funds = Funds.NONE
    release_due_at: datetime | None = None
    hold_over: bool = False
    valuation: Valuation | None = None
    reason: str = ""
    conflicts: int = 0

    # --- small steps -------------------------------------------------------------------------------------------------

    def with_money(self, plan: MoneyPlan) -> Order:
        return replace(self, money=plan)

    def with_parcel(self, parcel_id: ParcelId, parcel: Parcel) -> Order:
        return replace(self, parcels={**self.parcels, parcel_id: parcel})

    def with_papers(self, role: Role, trail: PaperTrail) -> Order:
        return replace(self, papers={**self.papers, role: trail})

    def holding(self, hold: str) -> Order:
        return self if hold in self.holds else replace(self, holds=tuple(sorted((*self.holds, hold))))

    def lifting(self, *holds: str) -> Order:
        return replace(self, holds=tuple(hold for hold in self.holds if hold not in holds))

    @property
    def import_papers(self) -> PaperTrail:
        return self.papers.get("import", PaperTrail())

    @property
    def live(self) -> Mapping[ParcelId, Parcel]:
        """Parcels with a waybill, or that wait for one; refused and voided ones are history."""
        return {parcel_id: parcel for parcel_id, parcel in self.parcels.items() if parcel.state not in ENDED}

    # --- guards ------------------------------------------------------------------------------------------------------

    def may_ask_payment(self) -> bool:
        """Ours to collect, admissible, in stock, and nobody wants out."""
        return (
            self.collected_by == "self"
            and self.amounts.total.currency == DECLARABLE
            and self.intent is Intent.PLACED
            and self.money.state is Money.NONE
            and self.import_papers.state is Papers.ASSESSED
            and self.goods.state is Goods.RESERVED
            and not self.holds
        )

    def may_book(self) -> bool:
        """Paid by the flow's terms, reserved, the identity complete, nothing holds."""
        return (
            self.intent is Intent.PLACED
            and self.money.state is Money.COVERED
            and self.goods.state is Goods.RESERVED
            and self.person is not None
            and not self.live
            and not self.holds
        )

    def may_request_declaration(self) -> bool:
        """Paid and booked, and customs has the documents that partners send. Bonded goods are declared before picking.

        Customs would wait for these documents too; asked before, the order could no longer be cancelled while they
        are missing or refused. After a mismatch it is asked at once: customs tries again whenever one comes anew.
        """
        papers = self.import_papers.state
        return (
            self.intent is Intent.PLACED
            and self.money.state is Money.COVERED
            and (
                papers is Papers.MISMATCHED or (papers in (Papers.ASSESSED, Papers.REJECTED) and self.partners_declared)
            )
            and bool(self.live)
            and all(parcel.state in (Carriage.BOOKED, Carriage.PACKED) for parcel in self.live.values())
            and not self.holds
        )

    @property
    def partners_declared(self) -> bool:
        """Payment (411) and waybills (511), as far as a partner of ours declares them; platforms are only observed."""
        payment = self.declared_by.payment == "platform" or self.money.paper == "accepted"
        waybills = all(parcel.paper == "accepted" for parcel in self.live.values())
        return payment and (self.declared_by.waybill == "platform" or waybills)

    def may_exit(self, parcel: Parcel) -> bool:
        """Goods may pass the gate: paid, released for *this* dossier version, nothing holds, nobody wants out."""
        papers = self.import_papers
        return (
            self.intent is Intent.PLACED
            and self.money.state is Money.COVERED
            and papers.state is Papers.RELEASED
            and papers.released_version == papers.dossier_version
            and parcel.state in (Carriage.BOOKED, Carriage.PACKED)
            and not self.holds
        )

    def may_release_funds(self) -> bool:
        """Every parcel delivered, the hold period over, no refund in flight, nothing open."""
        return (
            self.intent is Intent.PLACED
            and self.funds is Funds.HELD
            and self.hold_over
            and self.delivered
            and self.money.state is Money.COVERED
            and not self.holds
        )

    def may_cancel(self) -> bool:
        """Nothing is with customs and nothing is packed. Later rows of the cancel table need 623, 625 or a return."""
        rematching = self.import_papers.state is Papers.MISMATCHED and "customs" not in self.holds
        return (
            self.import_papers.state in BEFORE_DECLARATION
            and not rematching
            and self.goods.state is not Goods.DRAWN
            and all(parcel.state in (Carriage.ASKED, Carriage.BOOKED) for parcel in self.live.values())
        )

    @property
    def funded(self) -> bool:
        """The buyer's money is somewhere, or may be: the order never ends by itself then, a person decides."""
        return self.money.state is Money.COVERED or not PAID_SOMEHOW.isdisjoint(self.holds)

    @property
    def awaits_payment(self) -> bool:
        """An attempt is open, and nothing says that its money came another way."""
        waiting = self.money.state in (Money.ASKED, Money.OPEN)
        return waiting and self.intent is Intent.PLACED and not self.funded

    @property
    def delivered(self) -> bool:
        return bool(self.live) and all(parcel.state is Carriage.DELIVERED for parcel in self.live.values())

    @property
    def at_rest(self) -> bool:
        """No money of the buyer, no stock and no waybill is left with us."""
        return (
            self.money.state in (Money.NONE, Money.FAILED, Money.CLOSED, Money.REFUNDED)
            and self.goods.state in (Goods.SHORT, Goods.RELEASED)
            and not self.live
        )


# After a mismatch nothing was sent; until somebody corrects it, nothing will be.
BEFORE_DECLARATION: Final = (Papers.NONE, Papers.ASSESSED, Papers.INADMISSIBLE, Papers.MISMATCHED, Papers.REJECTED)
ENDED: Final = (Carriage.REFUSED, Carriage.VOIDED)
PAID_SOMEHOW: Final = frozenset({"payment_not_declarable", "payment_audit"})

ORDER: Final = Kind("order", Order)
