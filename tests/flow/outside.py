"""The outside as the toy's calls see it, and workers that call it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from shared.events.envelope import Cause
from shared.flow.apply import Applier
from shared.flow.decision import Due, Outcome
from shared.flow.items import Item, Leased
from shared.flow.runner import Runner
from shared.flow.work import _LEASE, LEASE, Call, Worker
from shared.telemetry import Telemetry
from tests.flow.conftest import MakeRunner
from tests.flow.toy import Pay, Ring

BACKOFF = (0.0, 0.0, 0.0)


@dataclass
class Outside:
    """Notes what it was asked and what it answered. `answers` says what the nth send meets: a value, or an error."""

    seconds: float = 0.0
    open_: bool = True
    answers: list[object] = field(default_factory=list)
    found: object = "found"
    asked: list[str] = field(default_factory=list)
    queried: list[str] = field(default_factory=list)
    answered: list[str] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        if self.open_:
            self.gate.set()

    async def pay(self, leased: Leased) -> object:
        task = leased.task
        assert isinstance(task, Pay)
        self.asked.append(task.key)
        answer = self.answers.pop(0) if self.answers else "paid"
        await self.gate.wait()
        await asyncio.sleep(self.seconds)
        self.answered.append(task.key)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def query(self, leased: Leased) -> object:
        task = leased.task
        assert isinstance(task, Pay)
        self.queried.append(task.key)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def calls(self, unknown: str = "resend") -> Mapping[str, Call]:
        match unknown:
            case "query":
                pay = Call(Pay, self.pay, unknown="query", query=self.query, backoff=BACKOFF)
            case "person":
                pay = Call(Pay, self.pay, unknown="person", backoff=BACKOFF)
            case _:
                pay = Call(Pay, self.pay, unknown="resend", backoff=BACKOFF)
        return {"pay": pay, "ring": Call(Ring, backoff=BACKOFF)}


@asynccontextmanager
async def worker(make_runner: MakeRunner, outside: Outside, unknown: str = "resend") -> AsyncIterator[Worker]:
    """A worker that runs; leaving the block stops it as a service does, and raises what ended it before."""
    made = Worker(make_runner(), make_runner(), outside.calls(unknown), Telemetry("toy"))
    stopping = asyncio.Event()
    task = asyncio.create_task(made.run(stopping))
    try:
        yield made
    finally:
        stopping.set()
        await task


async def leased_rows(runner: Runner, applier: Applier) -> list[Item]:
    """Everything due as a worker of another process would lease it, with "the time has come" as its outcome."""
    connection = await runner.connection()
    rows = await connection.fetch(_LEASE, runner.clock.now(), 100, LEASE)
    calls = Outside().calls()
    made = Worker(runner, runner, calls, Telemetry("toy"))
    for row in rows:
        task = calls[row["kind"]].codec.validate_json(row["task"])
        leased = Leased(
            row["id"], row["kind"], row["lane"], row["name"], task, row["token"], row["attempts"], row["phase"],
            row["due_at"], Cause(row["cause_id"], row["lane"]),
        )  # fmt: skip
        made._finished(leased, Due())
    return [made._outcomes.get_nowait() for _ in rows]


def outcome(item: Item, result: object) -> Item:
    """The same row's outcome with another result."""
    leased = item.origin
    assert isinstance(leased, Leased)
    return replace(item, content=Outcome(leased.kind, leased.lane, leased.name, leased.task, result))
