"""Any interleaving of topics, order kept within each: the same end, nothing left waiting (scenario 49)."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.orders.commands import CancelAsked, IdentitySupplied
from services.orders.order import Order
from services.orders.tracks import Carriage, Goods, Intent, Money
from shared.events import orders
from shared.events.base import Event
from shared.flow.decision import Early
from tests.orders import facts
from tests.orders.others import Others
from tests.orders.story import Story

Pick = Callable[[list[str]], str]
BUYER, PARCEL, PAPERS, CHANNEL = "the buyer", "the parcel", "the papers", "the channel"
KINDS: dict[str, Callable[[], Story]] = {
    "bonded": Story.placed, "direct mail": Story.direct_mail, "channel": Story.channels_unpaid,
}  # fmt: skip


@dataclass
class Walk:
    """One order and the others, until nobody has anything to say. `pick` chooses whose turn it is."""

    kind: str
    wishes: list[object] = field(default_factory=list)
    pays: bool = True
    answers: list[int] = field(default_factory=list)
    heard: int = 0

    def __post_init__(self) -> None:
        self.story = KINDS[self.kind]()
        self.others = Others(self.pays, direct=self.kind == "direct mail")
        self.others.starts(self.story)

    def run(self, pick: Pick) -> Order:
        while turns := self.turns():
            self.take(pick(turns))
            self.relay()
        return self.story.order

    def turns(self) -> list[str]:
        """Whose first word can be taken now; an early one holds up its own topic and no other."""
        others = self.others
        ready = [topic for topic, queue in others.topics.items() if queue and not self.story.waits(queue[0])]
        timers = [kind for kind, _ in self.story.work if kind in ("hold-over", "confirm-shipment")]
        moving = {BUYER: self.wishes, PARCEL: others.parcel, PAPERS: others.papers, CHANNEL: others.channel}
        return sorted([*ready, *timers, *(who for who, what in moving.items() if what)])

    def take(self, turn: str) -> None:
        match turn:
            case "hold-over":
                self.story.due("hold-over")
            case "confirm-shipment":
                self.story.confirms()
            case _ if turn == BUYER:
                self.answers.append(self.story.asked(self.wishes.pop(0))[0])
            case _ if turn == CHANNEL:
                tell, *told = self.others.channel.pop(0)
                assert callable(tell)
                self.story.observes(tell, *told)
            case _ if turn in (PARCEL, PAPERS):
                self.others.moves(self.others.parcel if turn == PARCEL else self.others.papers)
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
WISHES: dict[str, list[object]] = {"bonded": [NAMED], "direct mail": [NAMED], "channel": []}
EXPECTED = {kind: Walk(kind, [*WISHES[kind]]).run(lambda turns: turns[0]) for kind in KINDS}
OWN_WAY = (
    "amended", "payment-requested", "shipment-requested", "declaration-requested", "exit-authorised",
    "shipment-confirmed", "funds-release-authorised", "completed",
)  # fmt: skip
SAID = {
    "bonded": sorted(["placed", "hold-set identity_missing", "hold-lifted identity_missing", *OWN_WAY]),
    "direct mail": sorted(OWN_WAY),
    "channel": sorted(
        [
            "payment-observed", "clearance-observed", "clearance-observed", "waybill-assigned", "exit-authorised",
            "shipment-confirmed", "funds-release-authorised", "completed",
        ]
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_49_any_interleaving_of_topics_ends_the_same_with_nothing_left_early(kind: str, data: st.DataObject) -> None:
    walk = Walk(kind, [*WISHES[kind]])

    order = walk.run(lambda turns: data.draw(st.sampled_from(turns)))

    assert order == EXPECTED[kind]
    assert (order.intent, order.holds, order.conflicts) == (Intent.COMPLETED, (), 0)
    assert walk.left == []
    assert sorted(walk.story.words) == SAID[kind]


def late(chance: random.Random) -> Pick:
    """Any turn; but the buyer mostly lets others go on, so that every gate is passed somewhere."""

    def pick(turns: list[str]) -> str:
        others = [turn for turn in turns if turn != BUYER or chance.random() < 0.15]
        return chance.choice(others or turns)

    return pick


@pytest.mark.parametrize("kind", ["bonded", "direct mail"])
def test_a_cancellation_at_any_moment_leaves_nothing_behind(kind: str) -> None:
    ends = {one_cancellation(kind, random.Random(seed)) for seed in range(400)}

    # Not vacuous: before anything is asked, voided, put back on the shelf, called back, too late, and refused.
    assert {end.carriage for end in ends} == {"", "voided", "returned", "delivered"}
    assert {end.papers for end in ends if end.intent is Intent.CANCELLED} >= {"assessed", "withdrawn"}
    assert {end.answers for end in ends} == {(202, 202), (202, 409)}


@dataclass(frozen=True)
class End:
    intent: Intent
    papers: str
    carriage: str
    answers: tuple[int, ...]


def one_cancellation(kind: str, chance: random.Random) -> End:
    walk = Walk(kind, [NAMED, CANCEL], pays=chance.random() < 0.8)
    order = walk.run(late(chance))
    refunds = len(walk.story.spoke(orders.RefundRequested))
    assert (walk.left, order.holds) == ([], ())
    match order.intent:
        case Intent.CANCELLED:
            captured = order.money.captured is not None
            assert (order.conflicts, refunds) == (0, captured)
            assert order.money.state in ((Money.REFUNDED,) if captured else (Money.NONE, Money.CLOSED))
            assert order.goods.state in (Goods.RELEASED, Goods.RESTOCKED)
            assert all(parcel.state is Carriage.RETURNED for parcel in order.live.values())
        case _:
            # Refused because the buyer has it, or not stopped in time: then it is a case, and no money moves.
            assert order.intent is Intent.COMPLETED
            assert (order.conflicts, refunds) == (walk.answers == [202, 202], 0)
    carriage = "".join(parcel.state.value for parcel in order.parcels.values())
    return End(order.intent, order.import_papers.state.value, carriage, tuple(walk.answers))


def test_a_fact_that_is_early_holds_up_its_own_topic_only() -> None:
    story = Story.placed().asks()

    early = story.decides(facts.escrow_released())

    assert isinstance(early, Early)
    story.hears(facts.opened(), facts.captured(), facts.escrow_held(), facts.declared(), facts.booked())
    assert story.order.parcels[facts.PARCEL].state is Carriage.BOOKED
