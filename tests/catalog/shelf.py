"""A catalog with two products on one shelf, and orders that want them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Literal

from services.catalog.commands import Expiry, ProductRevised, StockReceived
from services.catalog.process import make_process
from services.catalog.reserving import EXPIRY, RETRY, Policy
from services.catalog.stock import PRODUCT, RESERVATION, STOCK, Product, Reservation, Stock, stock_key
from shared.events.base import Event
from shared.events.logistics import ParcelPacked
from shared.events.orders import OrderPlaced, ReservationReleaseRequested
from shared.events.payments import PaymentCaptured
from shared.events.values import Amounts, DeclaredBy, Goods, OrderLine, Sealed, StockLine
from shared.flow.decision import Answer, Decision, Due, Outcome, Process, States, Work
from shared.ids import OrderId, order_id, parcel_id
from shared.money import Money

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
SELLER, PLACE, ORIGIN = "highland-coop", "fz-bonded", "msa-origin"
COFFEE, TEA = "KE-COF-227", "KE-TEA-100"
RECIPIENT = Sealed("k", "c", "f", "林**")
DEFAULT = Policy()


def product(sku: str) -> Product:
    goods = Goods(
        line=0, sku=sku, name_zh="烘焙咖啡豆", hs_code="0901210000", origin="KE", spec_zh="227克/包", unit="125",
        unit_1="035", unit_1_quantity="0.227", net_grams=227, gross_grams=260, record_no="1",
        account_book="T3500W000001", duty_rate="0.15", vat_rate="0.13", consumption_rate="0",
    )  # fmt: skip
    return Product(sku, SELLER, 1, "咖啡豆", "coffee", goods)


def arrival(
    sku: str, quantity: int, lot: str = "A", best_before: date = date(2027, 9, 30), place: str = PLACE
) -> StockReceived:
    return StockReceived(sku, place, lot, best_before, quantity)


def placed(
    number: int, *wanted: tuple[str, int], place: str = PLACE, collected_by: Literal["self", "channel"] = "self"
) -> OrderPlaced:
    price = Money(6900, "CNY")
    lines = tuple(
        OrderLine(n, sku, sku, quantity, price, price * quantity, Money(0, "CNY"))
        for n, (sku, quantity) in enumerate(wanted, start=1)
    )
    amounts = Amounts(price, Money(0, "CNY"), Money(0, "CNY"), None, tax_included=True, total=price)
    return OrderPlaced(
        order_id=id_of(number), seller=SELLER, connection="c", shop="nairobi-roasters", channel="shopify",
        external_id=str(number), flow="coffee-bonded", direction="sale", kind="normal", collected_by=collected_by,
        declared_by=DeclaredBy("self", "partner", "partner", "self"), warehouse=place, lines=lines, amounts=amounts,
        person=None, recipient=RECIPIENT, recipient_version=1, placed_at=NOW,
    )  # fmt: skip


def id_of(number: int) -> OrderId:
    return order_id("c", str(number))


def release(
    number: int, *lines: StockLine, disposition: Literal["back", "write_off"] = "back"
) -> ReservationReleaseRequested:
    return ReservationReleaseRequested(order_id=id_of(number), seller=SELLER, lines=lines, disposition=disposition)


def packed(number: int, *lines: StockLine) -> ParcelPacked:
    return ParcelPacked(
        order_id=id_of(number), seller=SELLER, parcel_id=parcel_id(id_of(number), 1), gross_grams=500, lines=lines,
        at=NOW,
    )  # fmt: skip


def captured(number: int) -> PaymentCaptured:
    return PaymentCaptured(
        order_id=id_of(number), seller=SELLER, attempt=1, part="whole", out_trade_no="T1", transaction_id="W1",
        amount=Money(6900, "CNY"), covered=True, paid_at=NOW,
    )  # fmt: skip


@dataclass
class Shelf:
    """The process with its states; what was said, and which reservation expires when."""

    process: Process = field(default_factory=lambda: make_process(Policy()))
    states: States = field(default_factory=States)
    now: datetime = NOW
    said: list[Event] = field(default_factory=list)
    work: dict[str, Work] = field(default_factory=dict)

    @classmethod
    def stocked(cls, coffee: int = 5, tea: int = 5, policy: Policy = DEFAULT) -> Shelf:
        shelf = cls(make_process(policy))
        shelf.hears(*(ProductRevised(product(sku)) for sku in (COFFEE, TEA)))
        shelf.hears(arrival(COFFEE, coffee), arrival(TEA, tea))
        shelf.said.clear()
        return shelf

    def decides(self, content: object) -> Answer:
        return self.process.decide(self.states, content, self.now)

    def hears(self, *contents: object) -> list[Event]:
        """What is said to all of them in turn."""
        heard = len(self.said)
        for content in contents:
            answer = self.decides(content)
            assert isinstance(answer, Decision), answer
            self.states.take(answer.puts)
            self.said += answer.facts
            for name in answer.cancel:
                if name.lane in self.work and self.work[name.lane].kind == name.kind:
                    del self.work[name.lane]
            self.work |= {work.lane: work for work in answer.work}
        return self.said[heard:]

    def expires(self, number: int) -> list[Event]:
        work = self.work.pop(id_of(number))
        assert isinstance(work.task, Expiry)
        self.now = max(self.now, work.due_at)
        return self.hears(Outcome(EXPIRY, work.lane, "", work.task, Due()))

    def looks_again(self, number: int) -> list[Event]:
        """The timer of an order that waits for goods."""
        work = self.work.pop(id_of(number))
        assert work.kind == RETRY
        self.now = max(self.now, work.due_at)
        return self.hears(Outcome(RETRY, work.lane, "", work.task, Due()))

    def stock(self, sku: str, place: str = PLACE) -> Stock:
        stock = self.states.get(STOCK, stock_key(sku, place))
        assert stock is not None
        return stock

    def counters(self, sku: str, place: str = PLACE) -> tuple[int, int, int]:
        """On hand, reserved, in the account book."""
        stock = self.stock(sku, place)
        return stock.on_hand, stock.reserved, stock.book

    def reservation(self, number: int) -> Reservation:
        held = self.states.get(RESERVATION, id_of(number))
        assert held is not None
        return held

    def lines(self, number: int) -> tuple[StockLine, ...]:
        return self.reservation(number).lines

    def raise_version(self, sku: str) -> None:
        known = self.states.get(PRODUCT, sku)
        assert known is not None
        self.hears(ProductRevised(replace(known, version=known.version + 1)))
