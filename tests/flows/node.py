"""One service as a value: what its database would hold. A step goes through the real fold, without a database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.broker.ports import Partition, Record
from shared.events.base import Event
from shared.events.envelope import Cause
from shared.flow.decision import Due, Outcome, Process, Reach, Reply, StateKey, States, Work
from shared.flow.fold import Effects, Fold, NeedsWider, OutboxRow, RetryReceipt
from shared.flow.items import Fate, Item, Leased, Parked, Receipt
from shared.flow.work import Redo
from tests.flows.partners.base import Answered, Partner, Says

RowKey = tuple[str, str, str]  # lane, kind, name
TAKEN: Final = Reply(200)


@dataclass(frozen=True, slots=True)
class Row:
    """A work row. With an answer it is leased: the partner has acted, its word is still on the way."""

    work: Work
    answer: Answered | None = None
    answered_at: datetime | None = None

    @property
    def due_at(self) -> datetime:
        return self.answered_at or self.work.due_at


@dataclass(frozen=True, slots=True)
class Letter:
    """Something that a partner or a person brings to the door."""

    due_at: datetime
    content: object


@dataclass(frozen=True)
class Node:
    """`waiting` is what is parked, in sequence; `stored` are receipts that could not be applied (yet)."""

    process: Process
    partner: Partner
    states: Mapping[StateKey, object] = field(default_factory=dict)
    waiting: tuple[Item, ...] = ()
    work: Mapping[RowKey, Row] = field(default_factory=dict)
    letters: tuple[Letter, ...] = ()
    stored: Mapping[UUID, object] = field(default_factory=dict)
    spoken: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.process.service

    def due(self, now: datetime) -> list[RowKey]:
        return sorted(key for key, row in self.work.items() if row.due_at <= now)

    def letter(self, now: datetime) -> Letter | None:
        """The first that has arrived; of two that arrived together the one that was sent first."""
        return min((one for one in self.letters if one.due_at <= now), key=lambda one: one.due_at, default=None)

    def told(self, says: Iterable[Says], now: datetime) -> Node:
        letters = (*self.letters, *(Letter(now + one.after, one.content) for one in says))
        return replace(self, letters=letters) if len(letters) > len(self.letters) else self


@dataclass(frozen=True)
class Stepped:
    """The service after one item, what it spoke, what the door answers, and what could not be decided at all."""

    node: Node
    facts: tuple[Event, ...] = ()
    reply: Reply | None = None
    fate: Fate = Fate.DONE
    failures: tuple[str, ...] = ()


class WorkStuck(AssertionError):
    """An item that nobody can apply: in the real house its row would be set aside."""


# --- the three moves --------------------------------------------------------------------------------------------------


def reads(node: Node, fact: Event, now: datetime) -> Stepped:
    """The step move: one fact of the broker."""
    if type(fact) not in node.process.handles:
        return Stepped(node)
    record = Record(Partition(fact.topic, 0), 0, fact.key, b"", (), 0)
    item = Item(UUID(int=0), fact, node.process.reach(fact), Cause("", fact.key), record)
    return _applied(node, item, now)


def hears(node: Node, content: object, now: datetime, number: int = 1) -> Stepped:
    """The intake move: what a door made of what came in."""
    receipt = Receipt("flows", now, b"", b"", TAKEN)
    item = Item(UUID(int=number), content, node.process.reach(content), Cause("", ""), receipt)
    return _applied(node, item, now)


def takes_letter(node: Node, letter: Letter, now: datetime) -> Stepped:
    rest = list(node.letters)
    rest.remove(letter)
    return hears(replace(node, letters=tuple(rest)), letter.content, now, _number(node.stored))


def works(node: Node, key: RowKey, now: datetime) -> Stepped:
    """The call move: the partner is asked, or the time has come; a slow answer comes later."""
    row = node.work[key]
    if isinstance(row.work.task, RetryReceipt):
        return _again(_without(node, key), row.work.task.receipt_id, now)
    answered = row.answer
    if answered is None and row.work.kind in node.partner.timers:
        answered = Answered(node.partner, Due())
    if answered is None:
        answered = node.partner.call(row.work.kind, row.work.task, now)
        node = replace(node, partner=answered.partner).told(answered.says, now)
        if answered.after:
            leased = Row(row.work, answered, now + answered.after)
            return Stepped(replace(node, work={**node.work, key: leased}))
    return _ended(_without(node, key), row.work, answered.result, now)


def _ended(node: Node, work: Work, result: object, now: datetime) -> Stepped:
    content = (
        result.content if isinstance(result, Redo) else Outcome(work.kind, work.lane, work.name, work.task, result)
    )
    reach = node.process.reach(content) + Reach((work.lane,))
    cause = Cause("", work.lane)
    leased = Leased(1, work.kind, work.lane, work.name, work.task, 1, 1, "send", work.due_at, cause)
    return _applied(node, Item(UUID(int=0), content, reach, cause, leased), now)


def _again(node: Node, number: UUID, now: datetime) -> Stepped:
    content = node.stored[number]
    stored = {each: what for each, what in node.stored.items() if each != number}
    return hears(replace(node, stored=stored), content, now, number.int)


def _number(stored: Mapping[UUID, object]) -> int:
    return next(n for n in range(1, len(stored) + 2) if UUID(int=n) not in stored)


def _without(node: Node, key: RowKey) -> Node:
    return replace(node, work={each: row for each, row in node.work.items() if each != key})


# --- the one transaction ----------------------------------------------------------------------------------------------


def _applied(node: Node, item: Item, now: datetime) -> Stepped:
    while True:
        try:
            return _once(node, item, now)
        except NeedsWider as wider:
            reach = item.reach + wider.reach
            if reach == item.reach:
                raise WorkStuck(f"{node.name} asks for what it has") from wider
            item = replace(item, reach=reach)


def _once(node: Node, item: Item, now: datetime) -> Stepped:
    spoken: list[Event] = []

    def speak(fact: Event, _: Cause) -> OutboxRow:
        spoken.append(fact)
        return fact.topic, fact.key, str(len(spoken) - 1).encode(), b""

    lanes = set(item.reach.lanes)
    waiting = [each for each in node.waiting if each.lane in lanes]
    lanes |= {lane for each in waiting for lane in each.reach.lanes}
    loaded = {key for each in (item, *waiting) for key in each.reach.keys}
    states = States({key: value for key, value in node.states.items() if key in loaded})
    fold = Fold(node.process, states, now, speak, waiting)
    try:
        fold.run([item])
    except NeedsWider:
        raise
    except Exception as error:
        raise WorkStuck(f"{node.name}: {item.content!r:.600}") from error
    fold.effects.refuse_foreign_lanes(frozenset(lanes))
    facts = tuple(spoken[int(headers)] for _, _, headers, _ in fold.effects.facts)
    failures = tuple(f"{node.name}: {each.failure!r}" for each in fold.results if each.failure is not None)
    after = _written(node, item, fold.effects, facts)
    return Stepped(after, facts, fold.results[0].reply, fold.results[0].fate, failures)


def _written(node: Node, item: Item, effects: Effects, facts: tuple[Event, ...]) -> Node:
    states = {**node.states, **{key: put.value for key, put in effects.puts.items()}}
    work = {key: row for key, row in node.work.items() if key not in effects.cancelled}
    work |= {key: Row(each) for key, (each, _) in effects.work.items()}
    spoken = dict(node.spoken)
    for fact in facts:
        spoken[fact.type] = spoken.get(fact.type, 0) + 1
    stored = dict(node.stored)
    for number, status, _, _ in effects.receipts:
        if status == "quarantined":
            stored[number] = item.content
    waiting = _parked(node.waiting, effects)
    return replace(node, states=states, work=work, waiting=waiting, spoken=spoken, stored=stored)


def _parked(waiting: tuple[Item, ...], effects: Effects) -> tuple[Item, ...]:
    """Rows that are done go, others change their state, new ones stand behind; numbered from one again."""
    changed = {held.seq: held for held in effects.held if held.seq is not None}
    rows: list[tuple[Item, str, datetime | None]] = []
    for each in waiting:
        assert isinstance(each.origin, Parked)
        held = changed.get(each.origin.seq)
        if each.origin.seq not in effects.unparked:
            state = (held.state, held.deadline) if held else (each.origin.state, each.origin.deadline)
            rows.append((each, *state))
    rows += [(held.item, held.state, held.deadline) for held in effects.held if held.seq is None]
    return tuple(_row(number, *row) for number, row in enumerate(rows, start=1))


def _row(seq: int, item: Item, state: str, deadline: datetime | None) -> Item:
    record = item.record
    assert record is not None
    return replace(item, origin=Parked(seq, state, record, deadline, 0))
