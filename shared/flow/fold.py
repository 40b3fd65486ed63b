"""A batch through `decide`, purely: in order, each item seeing what the ones before it changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

from shared.errors import BadInput, Failure, Permanent
from shared.events.base import Event
from shared.events.envelope import Cause
from shared.flow.decision import Decision, Early, Process, Put, Reach, Reply, States, Wider, Work, WorkName
from shared.flow.items import Fate, Item, Parked, Poison, Receipt, Result


OutboxRow = tuple[str, str, bytes, bytes]  # topic, key, packed headers, value


class NeedsWider(Exception):
    """Not an error: the batch starts again with more lanes or states for one item."""

    def __init__(self, item: Item, reach: Reach) -> None:
        super().__init__(item.lane)
        self.item, self.reach = item, reach


class ForeignLane(Exception):
    """A bug: a fact or a work row outside the locked lanes could overtake another of its key."""


RETRY_RECEIPT: Final = "flow.receipt"
RETRY_AFTER: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class RetryReceipt:
    """Read a quarantined receipt again: what it names may be known by now."""

    receipt_id: UUID


@dataclass(frozen=True, slots=True)
class Held:
    """An item to be parked: dead, blocked or early; `seq` is set where a parked row only changes its state."""

    item: Item
    state: str
    code: str = ""
    reason: str = ""
    deadline: datetime | None = None
    seq: int | None = None


@dataclass(slots=True)
class Effects:
    """What the batch's one write says."""

    puts: dict[tuple[str, str], Put] = field(default_factory=dict)
    facts: list[OutboxRow] = field(default_factory=list)
    work: dict[tuple[str, str, str], tuple[Work, Cause]] = field(default_factory=dict)
    cancelled: dict[tuple[str, str, str], WorkName] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    unparked: list[int] = field(default_factory=list)
    receipts: list[tuple[Item, str, str, Reply | None]] = field(default_factory=list)

    def hold(self, held: Held) -> None:
        """Park it; a later word about the same item replaces the earlier one."""
        self.held = [other for other in self.held if other.item is not held.item] + [held]

    def quarantine(self, item: Item, failure: Failure, now: datetime) -> None:
        """Acknowledged and stored, not applied. One that is only early is tried again for minutes."""
        self.receipts.append((item, "quarantined", f"{failure.code}: {failure}", None))
        if isinstance(failure, TooEarly):
            work = Work(RETRY_RECEIPT, item.lane, now + RETRY_AFTER, RetryReceipt(item.id), str(item.id))
            self.work[work.lane, work.kind, work.name] = (work, item.cause)

    def release(self, item: Item) -> None:
        """It waited and is done: its row goes, or is never written."""
        self.held = [held for held in self.held if held.item is not item]
        if isinstance(item.origin, Parked):
            self.unparked.append(item.origin.seq)

    def take(self, decision: Decision, facts: Sequence[OutboxRow], cause: Cause) -> None:
        for put in decision.puts:
            self.puts[put.key] = put
        self.facts.extend(facts)
        for name in decision.cancel:
            key = (name.lane, name.kind, name.name)
            self.work.pop(key, None)
            self.cancelled[key] = name
        for work in decision.work:
            key = (work.lane, work.kind, work.name)
            self.cancelled.pop(key, None)  # the insert replaces the row
            self.work[key] = (work, cause)
        self.aliases.update(decision.aliases)

    def refuse_foreign_lanes(self, lanes: frozenset[str]) -> None:
        foreign = {key for _, key, _, _ in self.facts} | {lane for lane, _, _ in self.work}
        if not foreign <= lanes:
            raise ForeignLane(f"outside the locked lanes: {sorted(foreign - lanes)}")


@dataclass(slots=True)
class Fold:
    """One run over a batch. `parked` is what waits in the batch's lanes, in sequence."""

    process: Process
    states: States
    now: datetime
    speak: Callable[[Event, Cause], OutboxRow]
    waiting: list[Item] = field(default_factory=list)
    effects: Effects = field(default_factory=Effects)
    results: list[Result] = field(default_factory=list)
    blocked: set[str] = field(default_factory=set)
    early: dict[tuple[str, str], list[Item]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for item in self.waiting:
            if isinstance(item.origin, Parked) and item.origin.state == "early":
                self.early.setdefault((item.lane, item.origin.record.partition.topic), []).append(item)
            else:
                self.blocked.add(item.lane)

    def run(self, items: Iterable[Item]) -> Effects:
        for item in items:
            result = self._one(item)
            self.results.append(result)
            if result.fate is Fate.DONE:
                self._try_early(item.lane)
        return self.effects

    def replay(self, items: Sequence[Item]) -> Effects:
        """Parked items of a lane, in sequence: the first that fails again becomes the dead letter, the rest stay behind it."""
        for lane, queue in groupby(items, key=lambda item: item.lane):
            self.blocked.discard(lane)
            for item in queue:
                result = self._one(item)
                self.results.append(result)
                if result.fate is Fate.DONE:
                    self.effects.release(item)
                    self._try_early(lane)
        return self.effects

    def settle(self, lanes: Iterable[str]) -> Effects:
        """Early facts of these lanes once more: those whose cause came, and those whose deadline passed."""
        for lane in lanes:
            self._try_early(lane)
        return self.effects

    def _one(self, item: Item) -> Result:
        record = item.record
        if record is not None:
            if item.lane in self.blocked:
                return self._hold(item, "blocked")
            if queue := self.early.get((item.lane, record.partition.topic)):
                return self._queue(item, _deadline(queue[0]))
        return self._decide(item)

    def _decide(self, item: Item) -> Result:
        try:
            if isinstance(item.content, Poison):
                raise item.content.failure
            answer = self.process.decide(self.states, item.content, self.now)
            facts = [self.speak(fact, item.cause) for fact in answer.facts] if isinstance(answer, Decision) else []
        except Exception as error:
            return self._failed(item, error)
        match answer:
            case Decision():
                self.states.take(answer.puts)
                self.effects.take(answer, facts, item.cause)
                if isinstance(item.origin, Receipt) and answer.reply is not None:
                    self.effects.receipts.append((item, "accepted", "", answer.reply))
                return Result(item, Fate.DONE, answer.reply)
            case Early():
                return self._too_early(item, answer)
            case Wider():
                raise NeedsWider(item, answer.reach)

    def _failed(self, item: Item, error: Exception) -> Result:
        """Permanent, or a bug in a decision: dead letter and blocked lane; a receipt is quarantined, an outcome stays leased."""
        failure = error if isinstance(error, Failure) else Bug(f"{type(error).__name__} in {self.process.service}")
        if item.record is not None:
            self.blocked.add(item.lane)
            self._hold(item, "dead", code=failure.code, reason=str(failure))
        elif isinstance(item.origin, Receipt):
            self.effects.quarantine(item, failure, self.now)
        else:
            raise error
        return Result(item, Fate.DEAD, failure=error)

    def _too_early(self, item: Item, early: Early) -> Result:
        if item.record is None:
            return self._failed(item, TooEarly(early.reason, where=item.lane))
        if any(item is waiting for waiting in self.early.get((item.lane, _topic(item)), ())):
            if self.now < _deadline(item, early.deadline):
                return Result(item, Fate.WAITS)
            return self._failed(item, TooEarly(f"its cause never came: {early.reason}", where=item.lane))
        return self._queue(item, early.deadline, early.reason)

    def _queue(self, item: Item, deadline: datetime, reason: str = "") -> Result:
        """Behind the early facts of its lane and topic, or as the first of them."""
        self.early.setdefault((item.lane, _topic(item)), []).append(item)
        return self._hold(item, "early", code="flow.early", reason=reason, deadline=deadline)

    def _hold(self, item: Item, state: str, *, code: str = "", reason: str = "", deadline: datetime | None = None) -> Result:
        seq = item.origin.seq if isinstance(item.origin, Parked) else None
        if seq is None or state != "blocked":  # a row that stays behind the dead letter stays as it is
            self.effects.hold(Held(item, state, code, reason, deadline, seq))
        return Result(item, Fate.DEAD if state == "dead" else Fate.WAITS)

    def _try_early(self, lane: str) -> None:
        """After a change of the lane: its early facts again, in order per topic, until nothing moves any more."""
        moved = True
        while moved and lane not in self.blocked:
            moved = any([self._drain(key) for key in list(self.early) if key[0] == lane])

    def _drain(self, key: tuple[str, str]) -> bool:
        queue, done = self.early[key], 0
        for item in queue:
            result = self._decide(item)
            if result.fate is Fate.WAITS or key[0] in self.blocked:
                break
            self.effects.release(item)
            done += 1
        self.early[key] = queue[done:]
        if not self.early[key]:
            del self.early[key]
        return done > 0


class Bug(Permanent):
    """Not one of our named failures: loud, bounded, and its stack is in the log."""

    code = "flow.bug"


class TooEarly(BadInput):
    """Its cause has not arrived; a receipt is tried again for minutes, a fact until its deadline."""

    code = "flow.early"


def _topic(item: Item) -> str:
    record = item.record
    assert record is not None
    return record.partition.topic


def _deadline(item: Item, otherwise: datetime = datetime.max.replace(tzinfo=UTC)) -> datetime:
    """When an early item's patience ends; one parked in this very batch has all of it left."""
    if isinstance(item.origin, Parked) and item.origin.deadline is not None:
        return item.origin.deadline
    return otherwise
