"""An order told as a conversation: it hears a fact or is asked something, and answers with facts of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from services.orders import guards, observing
from services.orders.canonical import CanonicalOrder
from services.orders.commands import (
    AddressCorrected,
    CancelAsked,
    ConfirmShipment,
    HoldLiftAsked,
    HoldOver,
    IdentityOverdue,
    IdentitySupplied,
    PaymentOverdue,
    Pushed,
    RefundPushed,
    Reminder,
)
from services.orders.order import ORDER as STATE
from services.orders.order import Order
from services.orders.placing import Connection, Snapshot, cancelled, hold_of, order_of, paid_elsewhere, without_people
from services.orders.process import make_process
from services.orders.providers.base import Confirmation, OrderNews
from services.orders.said import Policy, Said, decision
from shared.corridor import load_corridor
from shared.events import orders
from shared.events.base import Event
from shared.events.values import Sealed
from shared.flow.decision import Answer, Decision, Due, Early, Outcome, Process, Reply, States, Work
from shared.settings import Settings
from tests.orders import facts
from tests.orders.providers import samples

E = TypeVar("E", bound=Event)
PROFILE = load_corridor(Settings.model_fields["corridor"].default)


def connection(shop: str) -> Connection:
    """Any shop of the profile behind the same door, so that its order has the same id."""
    of = PROFILE.shop_of(shop)
    return Connection("nairobi-roasters-shopify", "shopify", samples.SHOP, of, PROFILE.flow_of(of.flows[0]))


CONNECTION = connection("nairobi-roasters")


def snapshot(**changes: Any) -> CanonicalOrder:
    """The channel's order: coffee and two teas, 129.00 CNY with tax in it, unpaid."""
    lines = [
        samples.line(1, quantity=1, price="69.00", sku="KE-COF-227"),
        samples.line(2, quantity=2, price="30.00", sku="KE-TEA-100"),
    ]
    free = {"shop_money": {"amount": "0.00", "currency_code": "CNY"}}
    body = {"line_items": lines, "total_discounts": "0.00", "total_price": "129.00", "total_shipping_price_set": free}
    news = samples.news(samples.order(**(body | changes)))
    assert isinstance(news, OrderNews)
    return news.order


def push(order: CanonicalOrder, recipient: Sealed = facts.HOME) -> Pushed:
    return Pushed(
        order_of(order, CONNECTION, recipient), Snapshot(without_people(order), ""), cancelled(order),
        paid_elsewhere(order), hold_of(order), recipient.fingerprint,
    )  # fmt: skip


@dataclass
class Story:
    """What was said so far, and what is due later. Work that was cancelled or done is gone from `work`."""

    process: Process = field(default_factory=lambda: make_process(Policy()))
    states: States = field(default_factory=States)
    now: datetime = facts.NOW
    said: list[Event] = field(default_factory=list)
    work: dict[tuple[str, str], Work] = field(default_factory=dict)

    @classmethod
    def placed(cls, **changes: Any) -> Story:
        """Placed from the channel's snapshot; nobody has said yet who buys."""
        story = cls()
        assert story.hears(push(snapshot(**changes)))[0] == "placed"
        return story

    @property
    def order(self) -> Order:
        order = self.states.get(STATE, facts.ORDER)
        assert order is not None
        return order

    def decides(self, content: object) -> Answer:
        return self.process.decide(self.states, content, self.now)

    def hears(self, *contents: object) -> list[str]:
        """All of them in turn; what was said to it, in short words."""
        return [word for content in contents for word in self._hears(content)]

    def _hears(self, content: object) -> list[str]:
        answer = self.decides(content)
        assert isinstance(answer, Decision), answer
        self.take(answer)
        return [short(fact) for fact in answer.facts]

    def take(self, answer: Decision) -> None:
        self.states.take(answer.puts)
        self.said += answer.facts
        for name in answer.cancel:
            self.work.pop((name.kind, name.name), None)
        self.work |= {(work.kind, work.name): work for work in answer.work}

    def spoke(self, kind: type[E]) -> list[E]:
        """Everything of that kind that was said so far."""
        return [fact for fact in self.said if isinstance(fact, kind)]

    @property
    def words(self) -> list[str]:
        return [short(fact) for fact in self.said]

    def waits(self, fact: Event) -> bool:
        return isinstance(self.decides(fact), Early)

    # --- what people and timers do ------------------------------------------------------------------------------------

    def asked(self, command: object) -> tuple[int, list[str]]:
        """The status of the answer, and what was said."""
        answer = self.decides(command)
        assert isinstance(answer, Decision)
        assert isinstance(answer.reply, Reply)
        self.take(answer)
        return answer.reply.status, [short(fact) for fact in answer.facts]

    def identified(self, person: Sealed = facts.PERSON) -> list[str]:
        status, said = self.asked(IdentitySupplied(facts.ORDER, facts.SELLER, person))
        assert status == 202
        return said

    def cancelled(self) -> list[str]:
        status, said = self.asked(CancelAsked(facts.ORDER, facts.SELLER, "buyer", "changed my mind"))
        assert status == 202
        return said

    def corrected(self, recipient: Sealed = facts.OFFICE) -> list[str]:
        status, said = self.asked(AddressCorrected(facts.ORDER, facts.SELLER, recipient))
        assert status == 202
        return said

    def lifted(self, hold: str) -> list[str]:
        status, said = self.asked(HoldLiftAsked(facts.ORDER, "", hold))
        assert status == 202
        return said

    def refunds_at_channel(self, refund: Any) -> list[str]:
        return self.hears(RefundPushed(facts.ORDER, refund))

    def due(self, kind: str, name: str = "") -> list[str]:
        """Its time comes: the clock goes there, and the timer ends."""
        work = self.work.pop((kind, name))
        assert isinstance(work.task, HoldOver | IdentityOverdue | PaymentOverdue | Reminder)
        self.now = max(self.now, work.due_at)
        return self.hears(Outcome(kind, facts.ORDER, name, work.task, Due()))

    def confirms(self, result: object = None) -> list[str]:
        """The call to the channel ends with `result`."""
        work = self.work.pop(("confirm-shipment", facts.PARCEL))
        assert isinstance(work.task, ConfirmShipment)
        done = Confirmation(["gid://shopify/Fulfillment/1"], already=False) if result is None else result
        return self.hears(Outcome(work.kind, facts.ORDER, work.name, work.task, done))

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    # --- how far it came ----------------------------------------------------------------------------------------------

    @classmethod
    def direct_mail(cls) -> Story:
        """The tea house's order: packed in Mombasa, declared on arrival."""
        order = order_of(snapshot(), connection("lamu-tea-house"), facts.HOME)
        return cls.of(replace(order, seller=facts.SELLER))

    @classmethod
    def channels(cls) -> Story:
        """An order that the channel collects and declares: paid there, and observed to be."""
        story = cls.channels_unpaid()
        assert story.observes(observing.paid, facts.TOTAL, "alipay", "E1", "E1C", facts.NOW) == ["payment-observed"]
        return story

    @classmethod
    def channels_unpaid(cls) -> Story:
        return cls.of(order_of(snapshot(), connection("savanna-red"), facts.HOME))

    @classmethod
    def of(cls, order: Order) -> Story:
        story = cls()
        story.states.take((STATE.put(facts.ORDER, order),))
        return story

    def observes(self, tell: Callable[..., Said], *told: object) -> list[str]:
        """What the channel's snapshot implies."""
        before = self.order
        answer = decision(before, guards.settle(tell(before, *told), Policy(), self.now))
        self.take(answer)
        return [short(fact) for fact in answer.facts]

    def asks(self) -> Story:
        """Identified, reserved, assessed: payment is asked for."""
        self.identified()
        assert self.hears(facts.made(), facts.assessed()) == ["payment-requested"]
        return self

    def pays(self) -> Story:
        self.asks()
        assert self.hears(facts.opened(), facts.captured(), facts.escrow_held()) == []
        assert self.hears(facts.declared()) == ["shipment-requested"]
        return self

    def declares(self) -> Story:
        self.pays()
        assert self.hears(facts.booked(), facts.waybill_accepted()) == ["declaration-requested"]
        return self

    def consolidates(self) -> Story:
        """Direct mail: on its way in a consignment, and its declaration asked for."""
        self.pays()
        self.hears(facts.booked(), facts.waybill_accepted(), facts.packed(), facts.drawn())
        assert self.hears(facts.handed_over(), facts.consolidated()) == ["declaration-requested"]
        return self

    def releases(self) -> Story:
        self.declares()
        assert self.hears(facts.submitted(), facts.stored(), facts.released()) == ["exit-authorised"]
        return self

    def delivers(self) -> Story:
        self.releases()
        leaving = (facts.packed(), facts.drawn(), facts.exited(), facts.advanced(), facts.delivered())
        assert self.hears(*leaving) == []
        return self


def short(fact: Event) -> str:
    """`placed`, `hold-set customs`, …"""
    word = fact.type.removeprefix("orders.order.")
    return f"{word} {fact.hold}" if isinstance(fact, orders.HoldSet | orders.HoldLifted) else word


def sealed(name: str) -> Sealed:
    return replace(facts.PERSON, ciphertext=name, fingerprint=f"fp-{name}")
