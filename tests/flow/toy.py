"""A small process to try the flow on: counters per lane, with facts of the real contract."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, Column

from shared.broker.ports import Partition, Record
from shared.db.flow_tables import flow_tables, new_metadata
from shared.errors import BadInput, Permanent
from shared.events.base import Event
from shared.events.envelope import Cause, Envelope, write_headers
from shared.events.orders import HoldLifted, HoldSet, OrderCompleted
from shared.flow.decision import (
    Answer,
    Decision,
    Early,
    Kind,
    Outcome,
    Process,
    Reach,
    Reply,
    States,
    Wider,
    Work,
    WorkName,
)
from shared.flow.fold import TooEarly
from shared.flow.items import Item, Receipt
from shared.flow.tables import StateTable, state_table
from shared.ids import OrderId, derived, uuid7

NOW: Final = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
PATIENCE: Final = timedelta(minutes=10)  # of an early fact
OTHER_TOPIC: Final = "catalog.reservation"
WIDE: Final = "wide"


@dataclass(frozen=True, slots=True)
class Counter:
    """How many facts were applied, in the order in which they were."""

    n: int = 0
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Add:
    """A command: add one, through the intake; `others` are lanes that it touches besides."""

    lane: str
    word: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ring:
    lane: str


@dataclass(frozen=True, slots=True)
class Pay:
    """A task for outside; its key goes with every send."""

    key: str


COUNTER: Final = Kind("counter", Counter)
metadata = new_metadata()
flow_tables(metadata)
TABLE = state_table(
    metadata, "counters", Column("n", BigInteger, nullable=False), CheckConstraint("n < 1000", name="n")
)
TABLES = (StateTable(COUNTER, TABLE, {"n": lambda counter: counter.n}),)
# What `huge` counts: one is still below the CHECK, two are above it, the last does not fit any column.
JUMPS: Final = {"huge": 998, "beyond": 2**70}


def reach(content: object) -> Reach:
    match content:
        case HoldSet(hold="nowhere"):
            raise LookupError(content.order_id)
        case Event():
            return Reach((content.key,), (COUNTER.key(content.key),))
        case Outcome(name="nowhere"):
            raise LookupError(content.lane)
        case Add(lane=lane, others=others):
            return Reach((lane, *others), (COUNTER.key(lane),))
        case Outcome(lane=lane):
            return Reach((lane,), (COUNTER.key(lane),))
        case _:
            raise AssertionError(content)


def decide(states: States, content: object, now: datetime) -> Answer:
    """`set` counts and speaks; `lifted` waits for a `set` of the same word; some words misbehave on purpose."""
    match content:
        case HoldSet(order_id=lane, hold=word) | Add(lane=lane, word=word):
            answer = _misbehaved(states, lane, word) or _counted(states, lane, word)
            return replace(answer, reply=Reply(202, word.encode())) if isinstance(answer, Decision) else answer
        case HoldLifted(order_id=lane, hold=hold):
            counter = states.get(COUNTER, lane)
            if counter is None or hold not in counter.seen:
                return Early(f"{hold} is not set yet", now + PATIENCE)
            return _misbehaved(states, lane, f"-{hold}") or _counted(states, lane, f"-{hold}")
        case Outcome(name=name, lane=lane) if name.startswith("early") and states.get(COUNTER, lane) is None:
            raise TooEarly("its order is not there yet")
        case Outcome(name="bug"):
            raise ZeroDivisionError
        case Outcome(lane=lane, result=result):
            return _counted(states, lane, result if isinstance(result, str) else type(result).__name__)
        case _:
            raise AssertionError(content)


def _misbehaved(states: States, lane: str, word: str) -> Answer | None:
    match word.removeprefix("-"):
        case "permanent":
            raise Permanent("never works")
        case "unsaid":
            raise BadInput("a word with \0 in it", where=lane)
        case "bug":
            raise ZeroDivisionError
        case "wider" if states.get(COUNTER, WIDE) is None:
            return Wider(Reach((WIDE,), (COUNTER.key(WIDE),)))
        case "greedy":
            return Wider(Reach((lane,), (COUNTER.key(lane),)))
        case _:
            return None


def _counted(states: States, lane: str, word: str) -> Decision:
    counter = states.get(COUNTER, lane) or Counter()
    counter = Counter(counter.n + 1 + JUMPS.get(word, 0), (*counter.seen, word))
    spoken = OrderCompleted(order_id=OrderId("elsewhere" if word == "foreign" else lane), seller=word)
    return Decision((COUNTER.put(lane, counter),), (spoken,), _work(lane, word), _cancelled(lane, word))


def _work(lane: str, word: str) -> tuple[Work, ...]:
    match word.split(":"):
        case ["timer"]:
            return (Work("ring", lane, NOW + timedelta(hours=1), Ring(lane)),)
        case ["soon"]:
            return (Work("ring", lane, NOW, Ring(lane)),)
        case ["pay", name]:
            return (Work("pay", lane, NOW, Pay(f"{lane}/{name}"), name),)
        case _:
            return ()


def _cancelled(lane: str, word: str) -> tuple[WorkName, ...]:
    return (WorkName("ring", lane),) if word == "no-timer" else ()


PROCESS = Process("orders", frozenset({HoldSet, HoldLifted}), reach, decide)


def record(fact: Event, offset: int = 0, event_id: UUID | None = None, topic: str | None = None) -> Record:
    envelope = Envelope(event_id or uuid7(), fact, NOW, Cause("cause", fact.key), "mombasa-fuzhou")
    value, headers = fact.model_dump_json().encode(), write_headers(envelope)
    return Record(Partition(topic or fact.topic, 0), offset, fact.key, value, headers, 0)


def set_(lane: str, word: str) -> HoldSet:
    return HoldSet(order_id=OrderId(lane), seller="s", hold=word, reason="")


def lifted(lane: str, word: str) -> HoldLifted:
    return HoldLifted(order_id=OrderId(lane), seller="s", hold=word)


def cause(lane: str, word: str) -> Record:
    """A `set` that travels on another topic than the `lifted` that waits for it."""
    return record(set_(lane, word), topic=OTHER_TOPIC)


def receipt(lane: str, word: str, *, key: str | None = None, others: tuple[str, ...] = (), reply: int = 200) -> Item:
    """A request of the intake; `key` is the delivery's own."""
    content = Add(lane, word, others)
    item_id = derived("receipt", key) if key else uuid7()
    taken = Receipt("door", NOW, b"{}", b"sealed", Reply(reply, b"promised"))
    return Item(item_id, content, reach(content), Cause(str(item_id), lane), taken)


def attempt_lane(fact: HoldSet) -> str:
    """The broker key: both attempts of one order share it."""
    return fact.order_id


def attempt_reach(content: object) -> Reach:
    """As where two payment attempts of one order have a state each and speak under the order's key."""
    assert isinstance(content, HoldSet)
    return Reach((attempt_lane(content),), (COUNTER.key(f"{content.order_id}/{content.hold}"),))


def attempt_decide(_: States, content: object, __: datetime) -> Answer:
    assert isinstance(content, HoldSet)
    put = COUNTER.put(f"{content.order_id}/{content.hold}", Counter(1, (content.hold,)))
    return Decision((put,), (OrderCompleted(order_id=content.order_id, seller=content.hold),))


ATTEMPTS = Process("orders", frozenset({HoldSet}), attempt_reach, attempt_decide)


def with_refusal(item: Item, reply: Reply) -> Item:
    """The same request through a door that answers a refusal in its own words."""
    assert isinstance(item.origin, Receipt)
    return replace(item, origin=replace(item.origin, refusal=lambda _: reply))
