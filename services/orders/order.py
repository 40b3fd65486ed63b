"""One order: all its tracks in one value, and the guards that join them. Pure."""

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


@dataclass(frozen=True, slots=True)
class MoneyPlan:
    """What the buyer owes and how far it came. One part (`whole`) so far; deposits and balances are more parts of it."""

    state: Money = Money.NONE
    attempt: int = 0
    out_trade_no: str = ""
    qr: str = ""
    asked: Amount | None = None
    captured: Amount | None = None
    transaction_id: str = ""
    expires_at: datetime | None = None
    refunds: int = 0


@dataclass(frozen=True, slots=True)
class Stock:
    state: Goods = Goods.ASKED
    lines: tuple[StockLine, ...] = ()
    gross_grams: int = 0
    net_grams: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """`exit` is our own authorisation; `authorised_version` the dossier version that it stands on."""

    state: Carriage = Carriage.ASKED
    waybill_no: str = ""
    carrier: str = ""
    exit: Literal["none", "authorised", "withdrawn"] = "none"
    confirmed: Literal["no", "asked", "yes", "refused"] = "no"
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
    """Facts as they were placed, then one field per track. A track moves by the facts of its own service only."""

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

    def lifting(self, hold: str) -> Order:
        return replace(self, holds=tuple(h for h in self.holds if h != hold))

    @property
    def import_papers(self) -> PaperTrail:
        return self.papers.get("import", PaperTrail())

    # --- guards ------------------------------------------------------------------------------------------------------

    def may_ask_payment(self) -> bool:
        """Ours to collect, admissible, in stock, and nobody wants out."""
        return (
            self.collected_by == "self"
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
            and not self.parcels
            and not self.holds
        )

    def may_request_declaration(self) -> bool:
        """Bonded goods are declared before they are picked: paid and booked is enough. Customs joins its own parts."""
        return (
            self.intent is Intent.PLACED
            and self.money.state is Money.COVERED
            and self.import_papers.state in (Papers.ASSESSED, Papers.REJECTED)
            and bool(self.parcels)
            and all(parcel.state is Carriage.BOOKED for parcel in self.parcels.values())
            and not self.holds
        )

    def may_exit(self, parcel: Parcel) -> bool:
        """Goods may pass the gate: paid, papers released for *this* dossier version, nothing holds, nobody wants out."""
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
        """Before anything was declared. Later rows of the cancel table need 623, 625 or an interception."""
        return self.import_papers.state in BEFORE_DECLARATION and not any(
            parcel.state in GONE for parcel in self.parcels.values()
        )

    @property
    def delivered(self) -> bool:
        return bool(self.parcels) and all(parcel.state is Carriage.DELIVERED for parcel in self.parcels.values())

    @property
    def at_rest(self) -> bool:
        """No money of the buyer, no stock and no waybill is left with us."""
        return (
            self.money.state in (Money.NONE, Money.FAILED, Money.CLOSED, Money.REFUNDED)
            and self.goods.state in (Goods.SHORT, Goods.RELEASED)
            and all(parcel.state in (Carriage.REFUSED, Carriage.VOIDED) for parcel in self.parcels.values())
        )


BEFORE_DECLARATION: Final = (Papers.NONE, Papers.ASSESSED, Papers.INADMISSIBLE, Papers.REJECTED)
GONE: Final = (Carriage.EXITED, Carriage.DELIVERED, Carriage.LOST, Carriage.RETURNED)

ORDER: Final = Kind("order", Order)
