"""The call move: leased work rows, the calls that they ask for, and timers. An outcome is applied like any other
item."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from time import perf_counter
from typing import Any, Final, Literal

from asyncpg import Record as Row
from pydantic import TypeAdapter

from shared.errors import Permanent, Transient, Unknown
from shared.events.envelope import Cause
from shared.flow.apply import BATCH
from shared.flow.decision import Due, Exhausted, Outcome, Reach, Refused
from shared.flow.fold import RETRY_RECEIPT, Bug, TooEarly
from shared.flow.items import Item, Leased, Poison
from shared.flow.runner import Runner
from shared.ids import derived
from shared.logs import logger
from shared.telemetry import Telemetry

log = logger("work")

SLOTS: Final = 32
LEASE: Final = timedelta(
    seconds=60
)  # > the longest client deadline (15 s) + applying; shorter sent one call forty times
IDLE_SECONDS: Final = 0.2
_CODE: Final = re.compile(r"[a-z0-9_]+\.[a-z0-9_.-]{1,80}")
BACKOFF: Final = (1.0, 5.0, 30.0, 120.0, 600.0)  # seconds after each failed try

# A lease that nobody ended may have called already: the row is unknown from then on, not new.
_LEASE: Final = """
UPDATE work SET token = token + 1, attempts = attempts + 1, leased_until = clock_timestamp() + $3::interval,
       phase = CASE WHEN leased_until IS NULL THEN phase ELSE 'unknown' END
 WHERE id IN (SELECT id FROM work
               WHERE due_at <= $1 AND (leased_until IS NULL OR leased_until < clock_timestamp())
               ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, lane, name, task, token, attempts, phase, due_at, cause_id, traceparent"""
# A non-final outcome is accepted from the current lease only.
_RETRY: Final = """
UPDATE work SET due_at = $3, leased_until = NULL, phase = $4, last_error = $5 WHERE id = $1 AND token = $2"""


@dataclass(frozen=True, slots=True)
class Redo:
    """A call's value that is no outcome but an item of its own: decided as if it came in now."""

    content: object


@dataclass(frozen=True)
class Call:
    """What one kind of work does. `run` None is a timer.

    `unknown` says how a call without an answer (or whose worker went away, or failed with a bug) is resolved:
    by `query`, by sending the identical task again, or by a person. Never by a blind retry.
    """

    task: type
    run: Callable[[Leased], Awaitable[object]] | None = None
    unknown: Literal["query", "resend", "person"] = "person"
    query: Callable[[Leased], Awaitable[object]] | None = None
    backoff: tuple[float, ...] = BACKOFF

    def __post_init__(self) -> None:
        if (self.unknown == "query") != (self.query is not None):
            raise ValueError("a call is resolved by query exactly where it has one")

    async def ask(self, leased: Leased) -> object:
        asking = self.run if leased.phase != "unknown" or self.unknown == "resend" else self.query
        if asking is None:
            raise Unknown("nobody knows whether it was done")
        return await asking(leased)

    @cached_property
    def codec(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.task)


@dataclass
class Worker:
    """Leases what free slots can run, calls, and applies the outcomes in batches."""

    runner: Runner
    leaser: Runner
    calls: Mapping[str, Call]
    telemetry: Telemetry
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _outcomes: asyncio.Queue[Item] = field(default_factory=asyncio.Queue)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`; calls in flight get their client's own deadline to end, what is unanswered stays leased."""
        applying = asyncio.ensure_future(self._apply_outcomes())
        try:
            while not stopping.is_set() and not applying.done():
                self.wake.clear()
                if not await self.lease():
                    await self._pause()
        finally:
            if self._running:
                await asyncio.wait(self._running, timeout=5)
            applied = asyncio.ensure_future(self._outcomes.join())
            await asyncio.wait({applying, applied}, timeout=2, return_when=asyncio.FIRST_COMPLETED)
            applied.cancel()
            applying.cancel()
            ended = await asyncio.gather(applying, return_exceptions=True)
            self.runner.drop()
            self.leaser.drop()
        for error in ended:
            if isinstance(error, Exception):
                raise error

    async def lease(self) -> int:
        """Take what is due, start it, and say how much it was."""
        free = SLOTS - len(self._running)
        if free <= 0 or self._outcomes.qsize() > BATCH:
            return 0
        now = self.leaser.clock.now()
        rows = await self.leaser.repeat(lambda c: c.fetch(_LEASE, now, free, LEASE))
        for row in rows:
            self._start(row)
        return len(rows)

    def _start(self, row: Row) -> None:
        cause = Cause(row["cause_id"], row["lane"], row["traceparent"])
        leased = Leased(
            row["id"], row["kind"], row["lane"], row["name"], None, row["token"], row["attempts"],
            row["phase"], row["due_at"], cause,
        )  # fmt: skip
        try:
            call = self.calls[leased.kind]
            leased = replace(leased, task=call.codec.validate_json(row["task"]))
        except (KeyError, ValueError) as error:
            self._give(leased, Poison(Bug(f"this build cannot read the task ({type(error).__name__})")), Reach(()))
            return
        if call.run is None:
            self._finished(leased, Due())
            return
        task = asyncio.ensure_future(self._perform(call, leased))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _perform(self, call: Call, leased: Leased) -> None:
        """One try. Whatever it ends with becomes an outcome or a later try; it never ends in silence."""
        begun = perf_counter()
        try:
            result = await call.ask(leased)
        except Transient as error:
            self._timed(leased, begun, "transient")
            await self._later(call, leased, error, leased.phase)
        except Permanent as error:
            self._timed(leased, begun, "refused")
            self._finished(leased, Refused(error.code, str(error)))
        except Exception as error:
            self._timed(leased, begun, "unknown")
            if not isinstance(error, Unknown):
                log.exception("call failed with a bug", kind=leased.kind, lane=leased.lane)
            if call.unknown == "person":
                self._finished(leased, Exhausted(_code(error), str(error), unknown=True))
            else:
                await self._later(call, leased, error, "unknown")
        else:
            self._timed(leased, begun, "answered")
            self._finished(leased, result)
        self.wake.set()

    def _timed(self, leased: Leased, begun: float, outcome: str) -> None:
        self.telemetry.observe("corridor.call.duration", perf_counter() - begun, kind=leased.kind, outcome=outcome)

    async def _later(self, call: Call, leased: Leased, error: Exception, phase: str) -> None:
        code = _code(error)
        if leased.attempts > len(call.backoff):
            self._finished(leased, Exhausted(code, str(error), unknown=phase == "unknown"))
            return
        due = self.leaser.clock.now() + timedelta(seconds=call.backoff[leased.attempts - 1])
        await self.leaser.repeat(lambda c: c.execute(_RETRY, leased.id, leased.token, due, phase, _told(error)))
        self.telemetry.count("corridor.call.retries", kind=leased.kind, code=code)

    def _finished(self, leased: Leased, result: object) -> None:
        content = (
            result.content
            if isinstance(result, Redo)
            else Outcome(leased.kind, leased.lane, leased.name, leased.task, result)
        )
        try:
            own = isinstance(content, Outcome) and leased.kind == RETRY_RECEIPT
            reach = Reach(()) if own else self.runner.applier.process.reach(content)
        except Exception as error:
            log.exception("outcome names no lane", kind=leased.kind, lane=leased.lane)
            content, reach = Poison(Bug(f"{type(error).__name__} in reach")), Reach(())
        self._give(leased, content, reach)

    def _give(self, leased: Leased, content: object, reach: Reach) -> None:
        item_id = derived("work", self.runner.applier.process.service, str(leased.id))
        # The work's own lane in any case: its row is the claim, and steps that replace or cancel it hold that lane.
        self._outcomes.put_nowait(Item(item_id, content, reach + Reach((leased.lane,)), leased.cause, leased))

    async def _apply_outcomes(self) -> None:
        while True:
            items = [await self._outcomes.get()]
            while len(items) < BATCH and not self._outcomes.empty():
                items.append(self._outcomes.get_nowait())
            await self._apply(items)
            for _ in items:
                self._outcomes.task_done()

    async def _apply(self, items: Sequence[Item]) -> None:
        try:
            await self.runner.run("work", items)
        except Exception as error:
            if len(items) == 1:
                await self._stuck(items[0], error)
                return
            for item in items:
                await self._apply([item])

    async def _stuck(self, item: Item, error: Exception) -> None:
        """The outcome cannot be applied: try again later if it is only early, else set the row aside, visibly."""
        leased = item.origin
        assert isinstance(leased, Leased)
        call = self.calls.get(leased.kind)
        # It was called already: "unknown" asks for its outcome again without a second effect.
        if (
            call
            and isinstance(error, TooEarly)
            and leased.attempts <= len(call.backoff)
            and (call.run is None or call.unknown != "person")
        ):
            await self._later(call, leased, error, "unknown")
            return
        log.error("outcome cannot be applied", kind=leased.kind, lane=leased.lane, exc_info=error)
        text = f"{type(error).__name__}: {getattr(error, 'code', '')}"
        never = self.leaser.clock.now() + timedelta(days=3650)
        await self.leaser.repeat(lambda c: c.execute(_RETRY, leased.id, leased.token, never, "stuck", text))

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self.wake.wait()
        except TimeoutError:
            return


def _code(error: Exception) -> str:
    return getattr(error, "code", type(error).__name__)


def _told(error: Exception) -> str:
    """The error's code; where that is only its sort, the client's own code is its message (`shopify.unreachable`)."""
    code, message = _code(error), str(error)
    return message if code in (Transient.code, Unknown.code) and _CODE.fullmatch(message) else code
