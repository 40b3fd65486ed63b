"""A batch through `decide`, purely: in order, each item seeing what the ones before it changed."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from sys import maxsize
from typing import Final
from uuid import UUID

from shared.broker.ports import Record
from shared.errors import BadInput, Failure, Permanent
from shared.events.base import Event
from shared.events.envelope import Cause, open_envelope
from shared.flow.decision import (
    NOTHING,
    Answer,
    Decision,
    Early,
    Outcome,
    Process,
    Put,
    Reach,
    Reply,
    States,
    Wider,
    Work,
    WorkName,
)
from shared.flow.items import Fate, Item, Leased, Parked, Poison, Receipt, Result
from shared.ids import derived

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
    receipts: list[tuple[UUID, str, str, Reply | None]] = field(default_factory=list)

    def hold(self, held: Held) -> None:
        """Park it; a later word about the same item replaces the earlier one."""
        self.held = [other for other in self.held if other.item is not held.item] + [held]

    def quarantine(self, item: Item, failure: Failure, now: datetime) -> None:
        """Acknowledged and stored, not applied. One that is only early is tried again for minutes."""
        reply = _refusal(item, failure)  # who asked and waits is told; only what nobody waits for needs a person
        self.receipts.append((item.id, "refused" if reply else "quarantined", f"{failure.code}: {failure}", reply))
        if isinstance(failure, TooEarly):
            work = Work(RETRY_RECEIPT, item.lane, now + RETRY_AFTER, RetryReceipt(item.id), str(item.id))
            self.work[work.lane, work.kind, work.name] = (work, item.cause)

    def understood(self, item: Item, reply: Reply | None) -> None:
        """A receipt that got its own reply, or a quarantined one that is applied now (not before: it would be lost in
        silence)."""
        match item.origin:
            case Receipt() if reply is not None:
                self.receipts.append((item.id, "accepted", "", reply))
            case Leased(task=RetryReceipt(receipt_id=receipt_id)) if not isinstance(item.content, Outcome):
                self.receipts.append((receipt_id, "accepted", "", reply))

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
                self.settle(item.reach.lanes)
        return self.effects

    def replay(self, items: Sequence[Item]) -> Effects:
        """Parked items of a lane, in sequence: the first that fails again becomes the dead letter, the rest stay
        behind it."""
        self.blocked -= {item.lane for item in items}  # once: the sequences of several lanes are interleaved
        for item in items:
            result = self._one(item)
            self.results.append(result)
            if result.fate is Fate.DONE:
                self.effects.release(item)
                self.settle(item.reach.lanes)
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
            queue = self.early.get((item.lane, record.partition.topic))
            if queue and _seq(queue[0]) <= _seq(item):
                return self._queue(item)
        return self._decide(item)

    def _decide(self, item: Item) -> Result:
        try:
            answer = NOTHING if _given_up(item) else self._answer(item)
            facts = [self.speak(fact, item.cause) for fact in answer.facts] if isinstance(answer, Decision) else []
        except Exception as error:
            return self._failed(item, error)
        match answer:
            case Decision():
                self.states.take(answer.puts)
                self.effects.take(answer, facts, item.cause)
                self.effects.understood(item, answer.reply)
                return Result(item, Fate.DONE, answer.reply)
            case Early():
                return self._too_early(item, answer)
            case Wider():
                raise NeedsWider(item, answer.reach)

    def _answer(self, item: Item) -> Answer:
        if isinstance(item.content, Poison):
            raise item.content.failure
        return self.process.decide(self.states, item.content, self.now)

    def _failed(self, item: Item, error: Exception) -> Result:
        """Permanent, or a bug in a decision: dead letter and blocked lane; a receipt is quarantined, an outcome stays
        leased."""
        failure = error if isinstance(error, Failure) else Bug(f"{type(error).__name__} in {self.process.service}")
        if item.record is not None:
            self.blocked.add(item.lane)
            self._hold(item, "dead", code=failure.code, reason=str(failure))
        elif isinstance(item.origin, Receipt):
            self.effects.quarantine(item, failure, self.now)
        else:
            raise failure from (None if failure is error else error)
        return Result(item, Fate.DEAD, _refusal(item, failure), error)

    def _too_early(self, item: Item, early: Early) -> Result:
        if item.record is None:
            return self._failed(item, TooEarly(early.reason, where=item.lane))
        if not any(item is waiting for waiting in self.early.get((item.lane, _topic(item)), ())):
            return self._queue(_patient(item, early.deadline), early.deadline, early.reason)
        if not isinstance(item.origin, Parked) or item.origin.deadline is None:
            return self._hold(item, "early", code=TooEarly.code, reason=early.reason, deadline=early.deadline)
        if self.now < item.origin.deadline:
            return Result(item, Fate.WAITS)
        return self._failed(item, TooEarly(f"its cause never came: {early.reason}", where=item.lane))

    def _queue(self, item: Item, deadline: datetime | None = None, reason: str = "") -> Result:
        """The first early fact of its lane and topic, or behind them: its own patience begins when it comes to the
        front."""
        insort(self.early.setdefault((item.lane, _topic(item)), []), item, key=_seq)
        return self._hold(item, "early", code=TooEarly.code, reason=reason, deadline=deadline)

    def _hold(
        self, item: Item, state: str, *, code: str = "", reason: str = "", deadline: datetime | None = None
    ) -> Result:
        seq = item.origin.seq if isinstance(item.origin, Parked) else None
        if seq is None or state != "blocked":  # a row that stays behind the dead letter stays as it is
            self.effects.hold(Held(item, state, code, reason, deadline, seq))
        return Result(item, Fate.DEAD if state == "dead" else Fate.WAITS)

    def _try_early(self, lane: str) -> None:
        """After a change of the lane: its early facts again, in order per topic, until nothing moves any more."""
        moved = True
        while moved and lane not in self.blocked:
            drained = [self._drain(key) for key in list(self.early) if key[0] == lane]  # all of them, not to the first
            moved = any(drained)

    def _drain(self, key: tuple[str, str]) -> bool:
        queue, done = self.early[key], 0
        for item in queue:
            result = self._decide(item)
            if result.fate is Fate.DEAD:
                self.results.append(result)
            if result.fate is not Fate.DONE:
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


def opened(process: Process, record: Record) -> Item:
    """A record as an item; one that cannot be read is poison: it goes to the dead letters and blocks its lane."""
    # A trace header is nobody's business: a forged one never spoils a fact.
    headers = tuple(header for header in record.headers if header[0] != "traceparent" or header[1].isascii())
    try:
        envelope = open_envelope(headers, record.value)
        content = envelope if process.envelopes else envelope.event
        reach = process.reach(content)
    except Exception as error:
        failure = error if isinstance(error, Failure) else Bug(f"{type(error).__name__} while reading")
        # Derived: the same record handed out again is the same dead letter.
        known = derived("poison", *map(str, (*record.partition, record.offset, record.timestamp_ms)))
        return Item(known, Poison(failure), Reach((record.key,)), Cause("", record.key), record)
    return Item(envelope.id, content, reach, envelope.causing(envelope.cause.traceparent), record)


def _given_up(item: Item) -> bool:
    """The flow's own work ended without a result: the receipt stays in quarantine, and that is all."""
    return isinstance(item.content, Outcome) and item.content.kind == RETRY_RECEIPT


def _refusal(item: Item, failure: Failure) -> Reply | None:
    return item.origin.refusal(failure) if isinstance(item.origin, Receipt) and item.origin.refusal else None


def _patient(item: Item, deadline: datetime) -> Item:
    """A replayed one has its patience anew: its cause may stand behind it in the very same replay."""
    return replace(item, origin=replace(item.origin, deadline=deadline)) if isinstance(item.origin, Parked) else item


def _seq(item: Item) -> int:
    """Its place among what waits; what only comes now is last."""
    return item.origin.seq if isinstance(item.origin, Parked) else maxsize


def _topic(item: Item) -> str:
    record = item.record
    assert record is not None
    return record.partition.topic
