"""Any interleaving of topics, order kept within each: the same end, nothing left waiting (scenario 49)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from services.orders.commands import CancelAsked, IdentitySupplied
from services.orders.order import Order
from services.orders.tracks import Carriage, Goods, Intent, Money
from shared.events import orders
from shared.events.base import Event
from shared.flow.decision import Early
from tests.orders import facts
from tests.orders.story import Story, push, snapshot

Pick = Callable[[list[str]], str]
BUYER = "the buyer"  # asks for nothing by facts
LEAVING = (facts.packed(), facts.drawn(), facts.exited(), facts.advanced(), facts.delivered())
ANSWERS: dict[type[Event], tuple[Event, ...]] = {
    orders.ShipmentRequested: (facts.booked(), facts.waybill_accepted()),
    orders.ShipmentCancelRequested: (facts.voided(),),
    orders.DeclarationRequested: (facts.submitted(), facts.stored(), facts.released()),
    orders.ExitAuthorised: LEAVING,
    orders.RefundRequested: (facts.refunded(),),
    orders.ReservationReleaseRequested: (facts.stock_released(),),
    orders.FundsReleaseAuthorised: (facts.escrow_released(),),
}


@dataclass
class Others:
    """The other services, each answering at once what it reads; what orders reads of them waits in `topics`."""

    pays: bool = True
    topics: dict[str, list[Event]] = field(default_factory=dict)
    named: bool = False
    reserved: bool = False
    captured: bool = False

    def speak(self, *spoken: Event) -> None:
        for fact in spoken:
            self.topics.setdefault(fact.topic, []).append(fact)

    def read(self, fact: Event) -> None:
        match fact:
            case orders.OrderPlaced():
                self.reserved = True
                self.speak(facts.made())
            case orders.OrderAmended():
                self.named = True
                if self.reserved:
                    self.speak(facts.assessed())
            case orders.PaymentRequested():
                self.speak(facts.opened())
                if self.pays:
                    self.pay()
            case orders.PaymentCloseRequested() if not self.captured:
                self.speak(facts.closed())
            case _:
                self.speak(*ANSWERS.get(type(fact), ()))

    def pay(self) -> None:
        self.captured = True
        self.speak(facts.captured(), facts.escrow_held(), facts.declared())


@dataclass
class Walk:
    """One order and the others, until nobody has anything to say. `pick` chooses whose turn it is."""

    others: Others
    wishes: list[object]
    story: Story = field(default_factory=Story)
    answers: list[int] = field(default_factory=list)
    heard: int = 0

    def run(self, pick: Pick) -> Order:
        self.story.hears(push(snapshot()))
        self.relay()
        while turns := self.turns():
            self.take(pick(turns))
            self.relay()
        return self.story.order

    def turns(self) -> list[str]:
        """Whose first word can be taken now; an early one holds up its own topic and no other."""
        ready = [topic for topic, queue in self.others.topics.items() if queue and not self.story.waits(queue[0])]
        timers = [kind for kind, _ in self.story.work if kind in ("hold-over", "confirm-shipment")]
        return sorted([*ready, *timers, *([BUYER] if self.wishes else [])])

    def take(self, turn: str) -> None:
        match turn:
            case "hold-over":
                self.story.due("hold-over")
            case "confirm-shipment":
                self.story.confirms()
            case _ if turn == BUYER:
                self.answers.append(self.story.asked(self.wishes.pop(0))[0])
            case topic:
                self.story.hears(self.others.topics[topic].pop(0))

    def relay(self) -> None:
        """What orders said reaches the others in its order, at once: only what orders reads is delayed."""
        for fact in self.story.said[self.heard :]:
            self.others.read(fact)
        self.heard = len(self.story.said)

    @property
    def left(self) -> list[Event]:
        return [fact for queue in self.others.topics.values() for fact in queue]


NAMED = IdentitySupplied(facts.ORDER, facts.SELLER, facts.PERSON)
CANCEL = CancelAsked(facts.ORDER, facts.SELLER, "buyer", "changed my mind")
EXPECTED = Walk(Others(), [NAMED]).run(lambda turns: turns[0])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_interleaving_of_topics_ends_the_same_with_nothing_left_early(data: st.DataObject) -> None:
    walk = Walk(Others(), [NAMED])

    order = walk.run(lambda turns: data.draw(st.sampled_from(turns)))

    assert order == EXPECTED
    assert (order.intent, order.holds, order.conflicts) == (Intent.COMPLETED, (), 0)
    assert walk.left == []
    assert sorted(fact.type for fact in walk.story.said) == SAID


SAID = sorted(
    f"orders.order.{word}"
    for word in (
        "placed", "hold-set", "amended", "hold-lifted", "payment-requested", "shipment-requested",
        "declaration-requested", "exit-authorised", "shipment-confirmed", "funds-release-authorised", "completed",
    )
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.data(), st.booleans())
def test_a_cancellation_at_any_moment_leaves_nothing_behind(data: st.DataObject, pays: bool) -> None:
    walk = Walk(Others(pays), [NAMED, CANCEL])

    order = walk.run(lambda turns: data.draw(st.sampled_from(turns)))

    assert walk.left == []
    assert order.conflicts == 0
    match order.intent:
        case Intent.CANCELLED:
            assert order.money.state is (Money.REFUNDED if walk.others.captured else order.money.state)
            assert order.money.state in (Money.NONE, Money.CLOSED, Money.REFUNDED)
            assert (order.goods.state, dict(order.live), order.holds) == (Goods.RELEASED, {}, ())
            assert len(walk.story.spoke(orders.RefundRequested)) == walk.others.captured
        case Intent.COMPLETED:
            assert walk.answers == [202, 409]
        case _:
            # Customs has it: it goes no further until a person declines the cancellation or customs rejects it.
            assert (order.intent, order.holds) == (Intent.PLACED, ("cancel_requested",))
            assert walk.story.spoke(orders.FundsReleaseAuthorised) == []


def test_a_fact_that_is_early_holds_up_its_own_topic_only() -> None:
    story = Story.placed().asks()

    early = story.decides(facts.escrow_released())

    assert isinstance(early, Early)
    story.hears(facts.opened(), facts.captured(), facts.escrow_held(), facts.booked())
    assert story.order.parcels[facts.PARCEL].state is Carriage.BOOKED
    assert story.hears(facts.escrow_released()) == []
