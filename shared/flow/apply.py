"""The one transaction: lock, claim and load, decide, write. Five round trips with begin and commit, whatever the
batch's size."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property, partial
from itertools import chain
from typing import Any, Final, Literal
from uuid import UUID

from asyncpg import Connection
from asyncpg import Record as Row
from pydantic import TypeAdapter

from shared.broker.ports import Oversize, Partition, Record
from shared.events.base import REGISTRY, Event
from shared.events.envelope import Cause, Envelope, write_headers
from shared.events.topics import TOPICS
from shared.flow import sql
from shared.flow.decision import Process, Reach, Reply, StateKey, States
from shared.flow.fold import Effects, Fold, Held, NeedsWider, OutboxRow, opened
from shared.flow.headers import pack, unpack
from shared.flow.items import Fate, Item, Leased, Parked, Receipt, Result
from shared.flow.lanes import SEEDS, lock_lanes
from shared.flow.tables import StateTable
from shared.ids import uuid7
from shared.telemetry import Telemetry

Move = Literal["facts", "receipts", "work"]

LIMITS: Final = {topic.name: topic.max_bytes for topic in TOPICS}
BATCH: Final = 100  # more gains little, and every lane is a lock in shared memory


@dataclass(frozen=True)
class Applier:
    """One service's transaction, for all three moves."""

    process: Process
    tables: tuple[StateTable[Any], ...]
    corridor: str
    telemetry: Telemetry

    async def apply(self, connection: Connection, move: Move, items: Sequence[Item], now: datetime) -> list[Result]:
        """All of these items once, together, in one transaction of its own; results in the order of the items.

        The first of each id counts. Raises whatever the database raises: nothing happened then (or the commit's outcome
        is unknown: the same items again, their claims decide).
        """
        while True:
            try:
                async with connection.transaction():
                    return await self._once(connection, move, items, now)
            except NeedsWider as wider:  # one item may carry it for all: they share one set of lanes and states
                items = [replace(items[0], reach=_wider(items[0].reach, wider)), *items[1:]]

    async def replay(
        self, connection: Connection, lanes: Sequence[str], now: datetime, *, limit: int = BATCH
    ) -> list[Result]:
        """What is parked in these lanes, again, in sequence: each success is unparked, the first failure stays the
        dead letter."""
        reach = Reach(tuple(lanes))
        while True:
            try:
                async with connection.transaction():
                    await lock_lanes(connection, reach.lanes, self._seed)
                    waiting = await self._parked(connection, lanes)
                    return await self._replay(connection, waiting, reach, now, limit)
            except NeedsWider as wider:
                reach = _wider(reach, wider)

    async def _replay(
        self, connection: Connection, waiting: Sequence[Item], reach: Reach, now: datetime, limit: int
    ) -> list[Result]:
        lanes = frozenset(reach.lanes)
        if not (needed := _lanes(waiting)) <= lanes:
            raise NeedsWider(waiting[0], Reach(tuple(sorted(needed))))
        keys = chain(reach.keys, *(item.reach.keys for item in waiting))
        fold = self._fold(await self._states(connection, keys), waiting, now)
        fold.replay([i for i in waiting if isinstance(i.origin, Parked) and i.origin.state != "early"][:limit])
        fold.settle({item.lane for item in waiting})
        fold.effects.refuse_foreign_lanes(lanes)
        await self._write(connection, fold.effects, now)
        return fold.results

    @cached_property
    def _seed(self) -> int:
        return SEEDS[self.process.service]

    async def _once(self, connection: Connection, move: Move, items: Sequence[Item], now: datetime) -> list[Result]:
        lanes = _lanes(items)
        await lock_lanes(connection, lanes, self._seed)
        loaded = await self._claim_and_load(connection, move, items, lanes)
        waiting = await self._parked(connection, sorted(loaded.held)) if loaded.held else []
        if not (more := _lanes(waiting)) <= lanes:
            raise NeedsWider(items[0], Reach(tuple(sorted(more))))
        extra = await self._states(connection, chain(*(item.reach.keys for item in waiting))) if waiting else {}
        fold = self._fold({**extra, **loaded.states}, waiting, now, loaded.blocked)
        fold.run(self.telemetry.stepping(loaded.first(items)))
        fold.effects.refuse_foreign_lanes(lanes)
        await self._write(connection, fold.effects, now)
        return loaded.results(items, fold.results)

    async def _claim_and_load(
        self, connection: Connection, move: Move, items: Sequence[Item], lanes: frozenset[str]
    ) -> _Loaded:
        keys: dict[str, set[str]] = {table.kind.name: set() for table in self.tables}
        for kind, key in chain.from_iterable(item.reach.keys for item in items):
            keys[kind].add(key)
        rows = await connection.fetch(
            self._claim_sql[move], *_claim_arrays(move, items), list(lanes), *(list(wanted) for wanted in keys.values())
        )
        return self._sorted_out(rows)

    @cached_property
    def _claim_sql(self) -> Mapping[str, str]:
        return {move: sql.claim_and_load(move, self.tables) for move in sql.CLAIMS}

    @cached_property
    def _codecs(self) -> Mapping[str, TypeAdapter[Any]]:
        return {table.kind.name: table.codec for table in self.tables}

    def _sorted_out(self, rows: Sequence[Row]) -> _Loaded:
        loaded = _Loaded(set(), {}, {}, set(), set())
        for what, a, b, n, body in rows:
            if what == "claimed":
                loaded.claimed.add(a)
            elif what == "parked":
                (loaded.held if b == "early" else loaded.blocked).add(a)
            elif what == "reply":
                loaded.replies[a] = Reply(n, body, b)
            else:
                loaded.states[what, a] = self._codecs[what].validate_json(body)
        return loaded

    async def _states(self, connection: Connection, keys: Iterable[StateKey]) -> dict[StateKey, object]:
        wanted = set(keys)
        columns = [[key for kind, key in wanted if kind == table.kind.name] for table in self.tables]
        return self._sorted_out(await connection.fetch(sql.load_states(self.tables), *columns)).states

    async def _parked(self, connection: Connection, lanes: Sequence[str]) -> list[Item]:
        return [self._waiting(row) for row in await connection.fetch(sql.LOAD_PARKED, list(lanes))]

    def _waiting(self, row: Row) -> Item:
        record = Record(
            Partition(row["topic"], row["partition"]),
            row["offset"],
            row["lane"],
            row["value"],
            unpack(row["headers"]),
            row["timestamp_ms"],
        )
        origin = Parked(row["seq"], row["state"], record, row["deadline"], row["attempts"])
        return replace(self.read(record), origin=origin)

    def _fold(
        self, states: Mapping[StateKey, object], waiting: Sequence[Item], now: datetime, blocked: Iterable[str] = ()
    ) -> Fold:
        return Fold(
            self.process, States(dict(states)), now, partial(self._spoken, now), list(waiting), blocked=set(blocked)
        )

    def _spoken(self, now: datetime, fact: Event, cause: Cause) -> OutboxRow:
        """A fact as its outbox row. One that its topic cannot carry is refused here, alone, and never reaches the
        relay."""
        headers = pack(write_headers(Envelope(uuid7(), fact, now, cause, self.corridor)))
        value = fact.model_dump_json().encode()
        if (size := len(headers) + len(value) + len(fact.key.encode()) + 64) > (limit := LIMITS[fact.topic]):
            raise Oversize(fact.topic, fact.key, size, limit)
        return fact.topic, fact.key, headers, value

    def wanted(self, record: Record) -> Item | None:
        """The record as an item, or None where it is a fact that this service does not listen to."""
        kind = next(
            (REGISTRY.get(value.decode(errors="replace")) for name, value in record.headers if name == "ce_type"), None
        )
        return None if kind is not None and kind not in self.process.handles else self.read(record)

    def read(self, record: Record) -> Item:
        return opened(self.process, record)

    async def _write(self, connection: Connection, effects: Effects, now: datetime) -> None:
        parts = [(part, columns) for part, columns in self._parts(effects, now) if columns]
        if parts:
            # One array per column: the statement takes a whole batch, whatever its size.
            arrays = [list(column) for _, rows in parts for column in zip(*rows, strict=True)]
            await connection.fetch(sql.write([part for part, _ in parts]), *arrays)

    def _parts(self, effects: Effects, now: datetime) -> list[tuple[tuple[str, Sequence[str]], list[tuple[Any, ...]]]]:
        states = [
            (
                sql.put_states(table),
                [table.row(put.key[1], put.value) for put in effects.puts.values() if put.key[0] == table.kind.name],
            )
            for table in self.tables
        ]
        return [
            *states,
            (sql.OUTBOX, effects.facts),
            (
                sql.WORK,
                [
                    (w.kind, w.lane, w.name, _dump(w.task), w.due_at, c.id, c.traceparent)
                    for w, c in effects.work.values()
                ],
            ),
            (sql.CANCEL, [(name.kind, name.lane, name.name) for name in effects.cancelled.values()]),
            (sql.ALIASES, list(effects.aliases.items())),
            (sql.PARK, [_park_row(held, now) for held in effects.held if held.seq is None]),
            (
                sql.REPARK,
                [(h.seq, h.state, h.code, h.reason[:2000], now, h.deadline) for h in effects.held if h.seq is not None],
            ),
            (sql.UNPARK, [(seq,) for seq in effects.unparked]),
            (sql.RECEIPTS, [_receipt_row(*receipt) for receipt in effects.receipts]),
        ]


@dataclass(slots=True)
class _Loaded:
    claimed: set[str]
    states: dict[StateKey, object]
    replies: dict[str, Reply]
    held: set[str]
    blocked: set[str]

    def first(self, items: Sequence[Item]) -> list[Item]:
        """The first of each id, where its claim was ours to take."""
        fresh: dict[str, Item] = {}
        for item in items:
            if (claim := _claim(item)) in self.claimed:
                fresh.setdefault(claim, item)
        return list(fresh.values())

    def results(self, items: Sequence[Item], decided: Sequence[Result]) -> list[Result]:
        """One per item, in order: what was decided, or duplicate with the answer that the first one got."""
        fresh = {_claim(result.item): result for result in decided}
        answers = self.replies | {claim: result.reply or _promised(result.item) for claim, result in fresh.items()}
        return [
            fresh.pop(claim) if claim in fresh else Result(item, Fate.DUPLICATE, answers.get(claim))
            for item, claim in ((item, _claim(item)) for item in items)
        ]


def _wider(reach: Reach, wanted: NeedsWider) -> Reach:
    """Raises RuntimeError (a bug) where nothing would be added: it would start again for ever."""
    if (wide := reach + wanted.reach) == reach:
        raise RuntimeError(f"{wanted.item.lane}: asks for what is locked and loaded already") from wanted
    return wide


def _promised(item: Item) -> Reply | None:
    return item.origin.reply if isinstance(item.origin, Receipt) else None


def _lanes(items: Sequence[Item]) -> frozenset[str]:
    return frozenset(chain.from_iterable(item.reach.lanes for item in items))


def _claim(item: Item) -> str:
    return str(item.origin.id) if isinstance(item.origin, Leased) else str(item.id)


def _claim_arrays(move: Move, items: Sequence[Item]) -> list[list[Any]]:
    """The claim's parameters; the first of each id only (`INSERT … SELECT` would return a repeated one as claimed
    once more)."""
    first: dict[UUID, Item] = {}
    for item in items:
        first.setdefault(item.id, item)
    if move == "facts":
        return [list(first)]
    if move == "work":
        return [[item.origin.id for item in first.values() if isinstance(item.origin, Leased)]]
    rows = [_receipt_insert(item, item.origin) for item in first.values() if isinstance(item.origin, Receipt)]
    return [list(column) for column in zip(*rows, strict=True)]


def _receipt_insert(item: Item, receipt: Receipt) -> tuple[Any, ...]:
    reply = receipt.reply
    return (
        item.id, receipt.door, item.lane, receipt.received_at, receipt.headers, receipt.body, receipt.status,
        receipt.reason, reply.status, reply.content_type, reply.body,
    )  # fmt: skip


def _receipt_row(receipt_id: UUID, status: str, reason: str, reply: Reply | None) -> tuple[Any, ...]:
    if reply is None:
        return receipt_id, status, reason, None, None, None
    return receipt_id, status, reason, reply.status, reply.content_type, reply.body


def _park_row(held: Held, now: datetime) -> tuple[Any, ...]:
    record = held.item.record
    assert record is not None
    topic, partition = record.partition
    return (
        held.item.lane, held.state, topic, partition, record.offset, record.timestamp_ms, pack(record.headers),
        record.value, held.code, held.reason[:2000], now, held.deadline,
    )  # fmt: skip


_TASKS: Final[dict[type, TypeAdapter[Any]]] = {}


def _dump(task: object) -> bytes:
    codec = _TASKS.get(type(task))
    if codec is None:
        codec = _TASKS[type(task)] = TypeAdapter(type(task))
    return codec.dump_json(task)
