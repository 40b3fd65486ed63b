"""One order: all its tracks in one value, and the questions that join them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

from services.orders.tracks import Carriage, Funds, Goods, Intent, Money, Papers
from services.orders.ways import WAYS, FlowKind, Way
from shared.events.values import Amounts, DeclaredBy, OrderLine, Role, Sealed, StockLine, Valuation
from shared.flow.decision import Kind
from shared.ids import OrderId, ParcelId
from shared.money import Money as Amount

Paper = Literal["none", "accepted", "refused"]
Undoing = Literal["", "cancel", "return"]
Clearance = Literal["", "clearing", "released", "refused"]
DECLARABLE: Final = "CNY"  # the only currency for which a payment document can be made


@dataclass(frozen=True, slots=True)
class MoneyPlan:
    """What the buyer owes and how far it came. One part (`whole`) so far; deposits and balances are more parts.

    `paper` is the payment's own document (411), made by the provider. `observed`: the channel said that it is paid.
    `abandoned`: numbers of attempts whose money went back while the order goes on; what is told of them is history.
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
    observed: bool = False
    abandoned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stock:
    """What is set aside, with the weights of all of it; after `expires_at` an unpaid order loses it.

    `reason`: why nothing is, in catalog's words.
    """

    state: Goods = Goods.ASKED
    lines: tuple[StockLine, ...] = ()
    gross_grams: int = 0
    net_grams: int = 0
    expires_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """`exit` is our own authorisation, `paper` the waybill's document (511), `confirmed` what the channel was told.

    `paper_for`: the fingerprint of whom that document names, "" where nobody said: after a correction it is another's.
    `packed`: its goods left the shelf, whatever became of it since.
    """

    state: Carriage = Carriage.ASKED
    waybill_no: str = ""
    carrier: str = ""
    exit: Literal["none", "authorised", "withdrawn"] = "none"
    confirmed: Literal["no", "asked", "yes", "refused"] = "no"
    paper: Paper = "none"
    delivered_at: datetime | None = None
    milestone: str = ""
    packed: bool = False
    paper_for: str = ""


@dataclass(frozen=True, slots=True)
class PaperTrail:
    """One role's declaration. `released_version` is the dossier version that customs released.

    `final`: customs refused it for good. `identity`: inadmissible for nothing but who buys. `refused`: which way
    of undoing it was refused; it is not asked again before something changed.
    """

    state: Papers = Papers.NONE
    attempt: int = 0
    invt_no: str = ""
    cop_no: str = ""
    dossier_version: int = 0
    released_version: int = 0
    reason: str = ""
    final: bool = False
    refused: Undoing = ""
    identity: bool = False


@dataclass(frozen=True, slots=True)
class Case:
    """Two things that cannot both be true, for a person to find out; `note` is what came of it. They count from 1."""

    number: int
    track: str
    state: str
    fact: str
    detail: str
    at: datetime
    closed_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """Facts as they were placed, then one field per track. A track moves by the facts of its own service only.

    `channel_hold`, `channel_address` (a fingerprint), `channel_waybill` (its carrier's code and number) and `clearance`
    are what the channel said last: only news of it counts. `reminders` are the deadlines that are being watched.
    `conflicts` counts every case that there ever was; `cases` are those that are known by name.
    `awaited` is whose answer is waited for and how far that came, `heard_at` since when; None once it was too long.
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
    channel_waybill: tuple[str, str] | None = None
    clearance: Clearance = ""
    ship_by: datetime | None = None
    intent: Intent = Intent.PLACED
    holds: tuple[str, ...] = ()
    money: MoneyPlan = field(default_factory=MoneyPlan)
    goods: Stock = field(default_factory=Stock)
    parcels: Mapping[ParcelId, Parcel] = field(default_factory=dict)
    papers: Mapping[Role, PaperTrail] = field(default_factory=dict)
    funds: Funds = Funds.NONE
    release_due_at: datetime | None = None
    hold_over: bool = False
    received_at: datetime | None = None
    reminders: tuple[str, ...] = ()
    awaited: str = ""
    heard_at: datetime | None = None
    valuation: Valuation | None = None
    reason: str = ""
    conflicts: int = 0
    cases: tuple[Case, ...] = ()

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

    # --- what kind of order it is ------------------------------------------------------------------------------------

    @property
    def way(self) -> Way:
        return WAYS[self.flow_kind]

    @property
    def declares(self) -> bool:
        """Its inventory is ours to send, and to undo; a platform's is only observed."""
        return self.declared_by.inventory != "platform"

    @property
    def order_no(self) -> str:
        """The number that documents quote: the channel's where it collects, else that of the winning attempt."""
        return self.external_id if self.collected_by == "channel" else self.money.out_trade_no

    # --- guards ------------------------------------------------------------------------------------------------------

    @property
    def blocked(self) -> bool:
        """Something must be cleared before the next gate. What the channel was not told holds up the funds alone, and
        that somebody is silent holds up nothing more than the silence does."""
        return any(hold not in FUNDS_ONLY and hold not in SILENT for hold in self.holds)

    def may_ask_payment(self) -> bool:
        """Ours to collect, admissible, in stock, and nobody wants out."""
        return (
            self.collected_by == "self"
            and self.amounts.total.currency == DECLARABLE
            and self.intent is Intent.PLACED
            and self.money.state is Money.NONE
            and self.import_papers.state is Papers.ASSESSED
            and self.goods.state in (Goods.RESERVED, Goods.DRAWN)
            and not self.blocked
        )

    def may_book(self) -> bool:
        """Paid by the flow's terms, reserved, the identity complete, nothing holds.

        The payment's document comes first: the waybill quotes its order number, and a payment that customs will not
        have gives way to another one. A platform that declares the order may give it a waybill of its own, until it is
        cleared.
        """
        return (
            self.intent is Intent.PLACED
            and self.money.state is Money.COVERED
            and self.goods.state is Goods.RESERVED
            and self.payment_declared
            and (self.person is not None if self.declares else self.channel_waybill is not None or self.cleared)
            and not self.live
            and not self.blocked
        )

    @property
    def cleared(self) -> bool:
        return self.clearance == "released"

    def may_request_declaration(self) -> bool:
        """Paid and booked, as far as the flow wants it, and customs has the documents that partners send.

        Customs would wait for these documents too; asked before, the order could no longer be cancelled while they
        are missing or refused. After a mismatch it is asked at once: customs tries again whenever one comes anew.
        """
        papers = self.import_papers.state
        return (
            self.declares
            and self.intent is Intent.PLACED
            and self.money.state is Money.COVERED
            and (
                papers is Papers.MISMATCHED or (papers in (Papers.ASSESSED, Papers.REJECTED) and self.partners_declared)
            )
            and not self.import_papers.final
            and bool(self.live)
            and all(parcel.state in self.way.gate for parcel in self.live.values())
            and not self.blocked
        )

    @property
    def partners_declared(self) -> bool:
        """Payment (411) and waybills (511, for the recipient of now), as far as a partner of ours declares them;
        platforms are only observed."""
        named = ("", self.recipient.fingerprint)
        waybills = all(parcel.paper == "accepted" and parcel.paper_for in named for parcel in self.live.values())
        return self.payment_declared and (self.declared_by.waybill == "platform" or waybills)

    @property
    def payment_declared(self) -> bool:
        return self.declared_by.payment == "platform" or self.money.paper == "accepted"

    def may_exit(self, parcel: Parcel) -> bool:
        """Goods may pass the gate: paid, released for *this* dossier version, nothing holds, nobody wants out."""
        papers = self.import_papers
        return (
            self.intent is Intent.PLACED
            and self.money.state is Money.COVERED
            and papers.state is Papers.RELEASED
            and papers.released_version == papers.dossier_version
            and parcel.state in self.way.gate
            and not self.blocked
        )

    def may_release_funds(self) -> bool:
        """Every parcel arrived, confirmed by the buyer or the hold period over, no refund in flight, nothing open."""
        return (
            self.intent is Intent.PLACED
            and self.funds is Funds.HELD
            and (self.hold_over or self.received_at is not None)
            and self.arrived
            and self.money.state is Money.COVERED
            and not self.left_undeclared
            and SILENT.issuperset(self.holds)
        )

    @property
    def funded(self) -> bool:
        """The buyer's money is somewhere, or may be: the order never ends by itself then, a person decides."""
        paid = self.money.state is Money.COVERED or self.money.observed
        return paid or self.collected_by == "channel" or not PAID_SOMEHOW.isdisjoint(self.holds)

    @property
    def awaits_payment(self) -> bool:
        """An attempt is open, and nothing says that its money came another way."""
        waiting = self.money.state in (Money.ASKED, Money.OPEN)
        return waiting and self.intent is Intent.PLACED and not self.funded

    @property
    def identity_refused(self) -> bool:
        return self.import_papers.state is Papers.INADMISSIBLE and self.import_papers.identity

    @property
    def left_undeclared(self) -> bool:
        """It passed the gate, and the papers, which are ours, were never released."""
        gone = any(parcel.state in (Carriage.EXITED, Carriage.DELIVERED) for parcel in self.live.values())
        return gone and self.declares and not self.import_papers.released_version

    @property
    def came_back(self) -> bool:
        return any(parcel.state is Carriage.RETURNED for parcel in self.live.values())

    @property
    def delivered(self) -> bool:
        return bool(self.live) and all(parcel.state is Carriage.DELIVERED for parcel in self.live.values())

    @property
    def left(self) -> bool:
        """Every parcel passed the gate and is not known to have gone astray."""
        gone = (Carriage.EXITED, Carriage.DELIVERED)
        return bool(self.live) and all(parcel.state in gone for parcel in self.live.values())

    @property
    def arrived(self) -> bool:
        """Delivered; or out, and a channel that holds the money says that the buyer has it.

        An own shop is whom the money is for: its word ends the hold period, but the carrier says that it arrived.
        """
        return self.delivered or (self.collected_by == "channel" and self.received_at is not None and self.left)

    @property
    def at_rest(self) -> bool:
        """No money of the buyer, no stock and no waybill is left with us, and customs waits for nothing."""
        return (
            self.money.state in (Money.NONE, Money.FAILED, Money.CLOSED, Money.REFUNDED)
            and self.goods.state in (Goods.SHORT, Goods.RELEASED, Goods.RESTOCKED, Goods.WRITTEN_OFF)
            and self.papers_undone
            and all(self.at_an_end(parcel) for parcel in self.live.values())
        )

    # --- how far it is undone ----------------------------------------------------------------------------------------

    @property
    def papers_undone(self) -> bool:
        """Nothing of ours stands at customs, or nothing can be done about it: what is lost cannot be sent back."""
        lost = any(parcel.state is Carriage.LOST for parcel in self.live.values())
        state = self.import_papers.state
        return not self.declares or state in UNDONE or (lost and state is Papers.RELEASED)

    def at_an_end(self, parcel: Parcel) -> bool:
        """It will not move any more. With a buyer who has the money back it is over; what customs sends abroad, too."""
        if self.import_papers.state is Papers.ABROAD and parcel.state in (Carriage.HANDED_OVER, Carriage.CONSOLIDATED):
            return True
        kept = self.collected_by == "channel" or self.money.state is not Money.COVERED
        return parcel.state in RESTING or (parcel.state is Carriage.DELIVERED and kept)

    def under_way(self, parcel: Parcel) -> bool:
        """It moves, or the warehouse may already be at it."""
        untouched = parcel.exit == "none" and self.way.picked_at == "exit" and not parcel.packed
        waits = parcel.state in (Carriage.ASKED, Carriage.BOOKED, Carriage.VOIDING)
        return not self.at_an_end(parcel) and not (untouched and waits)


# After a mismatch nothing was sent; until somebody corrects it, nothing will be.
UNDONE: Final = frozenset(
    {
        Papers.NONE, Papers.ASSESSED, Papers.INADMISSIBLE, Papers.MISMATCHED, Papers.REJECTED, Papers.WITHDRAWN,
        Papers.ABROAD,
    }
)  # fmt: skip
ENDED: Final = (Carriage.REFUSED, Carriage.VOIDED)
RESTING: Final = (*ENDED, Carriage.RETURNED, Carriage.LOST)
FUNDS_ONLY: Final = ("shipment_unconfirmed",)
SILENT: Final = frozenset(
    {
        "payment_document_silent", "waybill_silent", "warehouse_silent", "customs_silent", "channel_silent",
        "carrier_silent",
    }
)  # fmt: skip
PAID_SOMEHOW: Final = frozenset({"payment_not_declarable", "payment_audit"})

ORDER: Final = Kind("order", Order)
