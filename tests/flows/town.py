"""A house that is lived in: orders are placed, people act, time passes, and everything that was said is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from random import Random
from typing import Any, ClassVar, TypeVar

from services.catalog.commands import StockReceived
from services.customs.documents import Kind as CebKind
from services.customs.dossier import DOSSIER, Dossier
from services.logistics.milestones import Milestone
from services.logistics.shipment import SHIPMENT, Shipment
from services.orders.commands import CancelAsked, HoldLiftAsked, IdentitySupplied
from services.orders.order import ORDER, Order
from services.orders.placing import Connection
from services.payments.books import Line
from services.payments.payment import PAYMENT, Payment
from shared.events.base import Event
from shared.events.values import Sealed
from shared.flow.decision import Kind, Reply
from shared.ids import OrderId, ParcelId, out_trade_no
from tests.flows.house import House, Move, house
from tests.flows.node import Node, Stepped
from tests.flows.partners.bank import Bank
from tests.flows.partners.base import Partner, Says
from tests.flows.partners.channel import Channel, Shown
from tests.flows.partners.road import Road
from tests.flows.partners.window import Window
from tests.flows.people import person
from tests.flows.shops import COFFEE, NAIROBI, Sold, canonical, number, pushed

E = TypeVar("E", bound=Event)
P = TypeVar("P")
T = TypeVar("T")
KEEPS = date(2030, 1, 1)
MOST_MOVES = 20_000  # of one walk; more is a loop


@dataclass
class Town:
    """`chance` decides what happens next; without it, always the first that can."""

    seed: ClassVar[int | None] = None

    house: House
    chance: Random | None = None
    said: list[Event] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    delivered: Counter[tuple[str, str]] = field(default_factory=Counter)

    @classmethod
    def of(cls, policy: Any = None, **partners: Partner) -> Town:
        return cls(house(policy, **partners), None if cls.seed is None else Random(cls.seed))

    # --- time and chance ----------------------------------------------------------------------------------------------

    def does(self, move: Move) -> None:
        self._take(self.house.then(move))

    def _take(self, outcome: tuple[House, Stepped]) -> Stepped:
        self.house, stepped = outcome
        self.said += stepped.facts
        self.failures += stepped.failures
        return stepped

    def settles(self) -> Town:
        """Until nothing can happen at this moment."""
        for _ in range(MOST_MOVES):
            moves = self.house.moves()
            if not moves:
                return self
            self.does(self.chance.choice(moves) if self.chance else moves[0])
        raise AssertionError("it goes on and on")

    def steps(self, most: int) -> Town:
        """At most so many steps at this moment."""
        for _ in range(most):
            if not (moves := self.house.moves()):
                break
            self.does(self.chance.choice(moves) if self.chance else moves[0])
        return self

    def passes(self, **delta: float) -> Town:
        """Time passes; everything that comes due meanwhile happens at its time."""
        until = self.house.now + timedelta(**delta)
        self.settles()
        while (next_ := self.house.next_time()) is not None and next_ <= until:
            self.house = replace(self.house, now=max(next_, self.house.now))
            self.settles()
        self.house = replace(self.house, now=until)
        return self

    def ends(self, days: float = 400) -> Town:
        """Until nobody waits for anything."""
        self.passes(days=days)
        assert self.house.next_time() is None, self.open_work()
        return self

    def open_work(self) -> list[str]:
        return [f"{node.name}: {key[1]} {key[2]}" for node in self.house.nodes.values() for key in node.work]

    # --- what comes in ------------------------------------------------------------------------------------------------

    def stocks(self, sku: str, location: str, quantity: int) -> None:
        """Goods arrive at a warehouse."""
        self.delivered[sku, location] += quantity
        assert self.hears("catalog", StockReceived(sku, location, "L1", KEEPS, quantity)).reply == Reply(202)

    def hears(self, service: str, content: object) -> Stepped:
        return self._take(self.house.hears(service, content))

    def asks(self, content: object) -> int:
        """A command of a person to orders: the status of its answer."""
        reply = self.hears("orders", content).reply
        assert isinstance(reply, Reply)
        return reply.status

    def places(
        self, external_id: str = "5001", sold: Sequence[Sold] = (Sold(COFFEE, 12900),), *, by: Sealed | None = None,
        of: Connection = NAIROBI, **more: Any,
    ) -> OrderId:  # fmt: skip
        """The shop pushes an order, and says who buys."""
        order_id = self.unnamed(external_id, sold, of=of, **more)
        assert self.asks(IdentitySupplied(order_id, of.shop.seller, by or person())) == 202
        return order_id

    def unnamed(
        self, external_id: str = "5001", sold: Sequence[Sold] = (Sold(COFFEE, 12900),), *, of: Connection = NAIROBI,
        to: Sealed | None = None, **more: Any,
    ) -> OrderId:  # fmt: skip
        self.hears("orders", pushed(of, canonical(of, external_id, sold, at=self.house.now, **more), to))
        return number(of, external_id)

    def names(self, shown: Shown) -> OrderId:
        """A channel that shows its orders only to who asks pushes an order's number."""
        self.acts("orders", self.channel.showing(shown))
        self.hears("orders", shown.named)
        return shown.named.order_id

    def goes_on(self, external_id: str) -> None:
        """The channel's order reaches its next stage."""
        self.acts("orders", *self.channel.goes_on(external_id))

    def cancels(self, order_id: OrderId, by: Any = "buyer") -> int:
        return self.asks(CancelAsked(order_id, self.order(order_id).seller, by, "changed my mind"))

    def lifts(self, order_id: OrderId, hold: str) -> int:
        return self.asks(HoldLiftAsked(order_id, "", hold))

    # --- partners -----------------------------------------------------------------------------------------------------

    def acts(self, service: str, partner: Partner, says: Sequence[Says] = ()) -> None:
        """The partner did something by itself."""
        node = replace(self.house.nodes[service], partner=partner).told(says, self.house.now)
        self.house = replace(self.house, nodes={**self.house.nodes, service: node})

    def pays(self, order_id: OrderId, attempt: int = 1, short_by: int = 0) -> None:
        bank, says = self.bank.charged(out_trade_no(order_id, attempt), self.house.now, short_by)
        self.acts("payments", bank, says)

    def parcel(self, order_id: OrderId) -> ParcelId:
        """The order's newest parcel."""
        return list(self.order(order_id).parcels)[-1]

    def scans(self, order_id: OrderId, *milestones: Milestone) -> None:
        """The carrier pushes by itself."""
        self.acts("logistics", *self.road.scans(self.parcel(order_id), milestones, self.house.now))

    def receipts(self, order_id: OrderId, *statuses: str, kind: CebKind = CebKind.INVENTORY) -> None:
        """Customs says more about an order's newest document of that kind, by itself."""
        said = self.window.says(self.window.newest(order_id, kind), statuses, self.house.now)
        self.acts("customs", said.partner, said.says)

    def later(self, **delta: float) -> datetime:
        """What the clock will say then."""
        return self.house.now + timedelta(**delta)

    @property
    def bank(self) -> Bank:
        return self._partner("payments", Bank)

    @property
    def window(self) -> Window:
        return self._partner("customs", Window)

    @property
    def road(self) -> Road:
        return self._partner("logistics", Road)

    @property
    def channel(self) -> Channel:
        return self._partner("orders", Channel)

    def _partner(self, service: str, kind: type[P]) -> P:
        partner = self.house.nodes[service].partner
        assert isinstance(partner, kind)
        return partner

    # --- looks --------------------------------------------------------------------------------------------------------

    def node(self, service: str) -> Node:
        return self.house.nodes[service]

    def _state(self, service: str, kind: Kind[T], key: str) -> T:
        found = self.node(service).states.get(kind.key(key))
        assert isinstance(found, kind.of), f"{service} has no {kind.name} {key}"
        return found

    def order(self, order_id: str) -> Order:
        return self._state("orders", ORDER, order_id)

    def payment(self, order_id: str) -> Payment:
        return self._state("payments", PAYMENT, order_id)

    def shipment(self, order_id: str) -> Shipment:
        return self._state("logistics", SHIPMENT, order_id)

    def dossier(self, order_id: str) -> Dossier:
        return self._state("customs", DOSSIER, order_id)

    def facts(self, order_id: str | None = None) -> list[str]:
        """What was said of an order, in the order of saying."""
        return [fact.type for fact in self.said if order_id in (None, fact.key)]

    def spoke(self, kind: type[E]) -> list[E]:
        return [fact for fact in self.said if isinstance(fact, kind)]

    def count(self, *kinds: type[Event]) -> int:
        return sum(isinstance(fact, kinds) for fact in self.said)

    def balances(self, order_id: str) -> dict[str, int]:
        """Account → minor units, of what was booked for an order."""
        sums: Counter[str] = Counter()
        for line in self.node("payments").states.values():
            if isinstance(line, Line) and line.order_id == order_id:
                sums[line.account] += line.amount.minor
        return {account: minor for account, minor in sums.items() if minor}

    def end(self, order_id: str) -> str:
        """How the order stands: `completed`, `cancelled: short`, `placed: customs, parcel_lost`."""
        order = self.order(order_id)
        why = ", ".join(order.holds) if order.holds else order.reason
        return f"{order.intent.value}: {why}" if why else order.intent.value
