"""A small process to try the flow on: counters per lane, with facts of the real contract."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column

from shared.broker.ports import Partition, Record
from shared.errors import Permanent
from shared.events.base import Event
from shared.events.catalog import ReservationReleased
from shared.events.envelope import Cause, Envelope, write_headers
from shared.events.orders import HoldLifted, HoldSet, OrderCompleted
from shared.flow.decision import Answer, Decision, Early, Kind, Outcome, Process, Reach, Reply, States, Work, WorkName
from shared.flow.tables import StateTable, flow_tables, new_metadata, state_table
from shared.ids import OrderId, uuid7

NOW: Final = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Counter:
    """How many facts were applied, in the order in which they were."""

    n: int = 0
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Add:
    """A command: add one, through the intake."""

    lane: str
    word: str


@dataclass(frozen=True, slots=True)
class Ring:
    lane: str


COUNTER: Final = Kind("counter", Counter)
metadata = new_metadata()
flow_tables(metadata)
TABLE = state_table(metadata, "counters", Column("n", BigInteger, nullable=False), CheckConstraint("n < 1000", name="n"))
TABLES = (StateTable(COUNTER, TABLE, {"n": lambda counter: counter.n}),)


def reach(content: object) -> Reach:
    match content:
        case Event():
            return Reach((content.key,), (COUNTER.key(content.key),))
        case Add(lane=lane) | Outcome(lane=lane):
            return Reach((lane,), (COUNTER.key(lane),))
        case _:
            raise AssertionError(content)


def decide(states: States, content: object, now: datetime) -> Answer:
    """`set` counts and speaks; `lifted` waits for a `set` of the same word; the words below misbehave on purpose."""
    match content:
        case HoldSet(hold="permanent"):
            raise Permanent("never works")
        case HoldSet(hold="bug"):
            raise ZeroDivisionError
        case HoldSet(order_id=lane, hold=hold):
            return _counted(states, lane, hold, 998 if hold == "huge" else 0)
        case HoldLifted(order_id=lane, hold=hold):
            counter = states.get(COUNTER, lane)
            if counter is None or hold not in counter.seen:
                return Early(f"{hold} is not set yet", now + timedelta(minutes=10))
            return _counted(states, lane, f"-{hold}")
        case Add(lane=lane, word=word):
            answer = _counted(states, lane, word)
            return replace(answer, reply=Reply(202, word.encode()))
        case Outcome(lane=lane, result=result):
            return _counted(states, lane, type(result).__name__)
        case _:
            raise AssertionError(content)


def _counted(states: States, lane: str, word: str, more: int = 0) -> Decision:
    counter = states.get(COUNTER, lane) or Counter()
    counter = Counter(counter.n + 1 + more, (*counter.seen, word))
    work = (Work("ring", lane, NOW + timedelta(hours=1), Ring(lane)),) if word == "timer" else ()
    cancel = (WorkName("ring", lane),) if word == "no-timer" else ()
    foreign = "elsewhere" if word == "foreign" else lane
    spoken = OrderCompleted(order_id=OrderId(foreign), seller=word)
    return Decision((COUNTER.put(lane, counter),), (spoken,), work, cancel)


PROCESS = Process("orders", frozenset({HoldSet, HoldLifted}), reach, decide)
UNHANDLED = ReservationReleased


def record(fact: Event, offset: int = 0, event_id: object = None, topic: str | None = None) -> Record:
    envelope = Envelope(event_id or uuid7(), fact, NOW, Cause("cause", fact.key), "mombasa-fuzhou")  # type: ignore[arg-type]
    return Record(Partition(topic or fact.topic, 0), offset, fact.key, fact.model_dump_json().encode(), write_headers(envelope), 0)


def set_(lane: str, word: str) -> HoldSet:
    return HoldSet(order_id=OrderId(lane), seller="s", hold=word, reason="")


def lifted(lane: str, word: str) -> HoldLifted:
    return HoldLifted(order_id=OrderId(lane), seller="s", hold=word)
