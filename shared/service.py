"""A service as parts that run: settings → resources → roles. One process may run one service, one role of it, or
several services."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

import httpx
from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.broker.ports import Broker
from shared.clock import Clock, SystemClock
from shared.corridor import Corridor, load_corridor
from shared.db.engine import Database, ReadTx
from shared.events.topics import consumed_by
from shared.flow.apply import Applier
from shared.flow.consume import Consumer
from shared.flow.decision import Process
from shared.flow.intake import Intake
from shared.flow.relay import Relay
from shared.flow.runner import Runner
from shared.flow.sweep import Sweeper
from shared.flow.tables import StateTable
from shared.flow.work import Call, Worker
from shared.http.again import receipt_call
from shared.http.app import Reception
from shared.http.client import new_client
from shared.logs import logger
from shared.security.auth import Tokens
from shared.security.vault import Keyring
from shared.settings import Settings
from shared.telemetry import Telemetry

log = logger("service")

RoleName = Literal["api", "consume", "relay", "work"]
ROLES: Final[tuple[RoleName, ...]] = ("api", "consume", "relay", "work")
STOP_SECONDS: Final = 8.0  # of the ten that a stop may take; the rest is for the server and the interpreter


@dataclass
class Resources:
    """What a service's `app.py` builds with. Whoever made it closes it."""

    name: str
    settings: Settings
    database: Database
    broker: Broker
    clock: Clock
    corridor: Corridor
    telemetry: Telemetry
    columns: Keyring
    facts: Keyring
    tokens: Tokens
    http: httpx.AsyncClient
    engine: AsyncEngine

    @classmethod
    def open(cls, name: str, settings: Settings, broker: Broker, clock: Clock | None = None) -> Resources:
        database = Database(settings.dsn.get_secret_value(), name)
        telemetry = (
            Telemetry.exporting(name, settings.otlp_endpoint, settings.trace_sample)
            if settings.otlp_endpoint
            else Telemetry(name)
        )
        load = {"production": settings.production}
        return cls(
            name=name,
            settings=settings,
            database=database,
            broker=broker,
            clock=clock or SystemClock(),
            corridor=load_corridor(settings.corridor),
            telemetry=telemetry,
            columns=Keyring.load(settings.secrets / f"{name}.keyring.json", **load),
            facts=Keyring.load(settings.secrets / "facts.keyring.json", **load),
            tokens=Tokens.load(settings.secrets / "tokens.json", **load),
            http=new_client(),
            engine=database.engine(),
        )

    @property
    def read(self) -> ReadTx:
        return ReadTx(self.engine)

    async def close(self) -> None:
        await self.http.aclose()
        await self.engine.dispose()
        await asyncio.to_thread(self.telemetry.close)


@dataclass(frozen=True)
class Parts:
    """What makes a service this service."""

    process: Process
    tables: tuple[StateTable[Any], ...]
    calls: Mapping[str, Call] = field(default_factory=dict)
    first: Callable[[], Awaitable[None]] | None = None
    """Seed data, after migrations and before any role runs."""


@dataclass
class Service:
    """One service of this process. `router` is filled by its `app.py`; `ready` says that every role is running."""

    resources: Resources
    parts: Parts
    router: APIRouter = field(default_factory=APIRouter)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.resources.name

    @cached_property
    def applier(self) -> Applier:
        r = self.resources
        return Applier(self.parts.process, self.parts.tables, r.corridor.id, r.telemetry)

    @cached_property
    def reception(self) -> Reception:
        return Reception(
            self.parts.process, self.intake, self.resources.clock, self.resources.columns, self.resources.telemetry
        )

    @cached_property
    def intake(self) -> Intake:
        writers = [self.runner(f"intake{n}") for n in range(self.resources.settings.receipt_writers)]
        return Intake(writers, self.resources.telemetry)

    @cached_property
    def relay(self) -> Relay:
        return Relay(self.resources.database, self.resources.broker, self.resources.telemetry)

    @cached_property
    def worker(self) -> Worker:
        calls = {**self.parts.calls, **receipt_call(self.resources.database, self.reception)}
        return Worker(self.runner("outcome"), self.runner("lease"), calls, self.resources.telemetry)

    @cached_property
    def consumer(self) -> Consumer:
        r = self.resources
        return Consumer(r.broker, consumed_by(self.name), self.runner("consume"), r.telemetry)

    def runner(self, role: str) -> Runner:
        return Runner(self.resources.database, self.applier, self.resources.clock, role, self._committed)

    def _committed(self) -> None:
        """A commit may have left facts and work: whoever takes them in this process need not wait for a poll."""
        self.relay.wake.set()
        self.worker.wake.set()

    def start(self, roles: Sequence[RoleName] = ROLES) -> None:
        loops: dict[RoleName, tuple[Callable[[asyncio.Event], Awaitable[None]], ...]] = {
            "api": (self.intake.run,),
            "consume": (self.consumer.run,) if consumed_by(self.name) else (),
            "relay": (self.relay.run,),
            "work": (self.worker.run, Sweeper(self.runner("sweep")).run),
        }
        for role in roles:
            self._tasks += [
                asyncio.create_task(self._role(role, loop), name=f"{self.name}/{role}") for loop in loops[role]
            ]

    async def _role(self, role: str, loop: Callable[[asyncio.Event], Awaitable[None]]) -> None:
        try:
            await loop(self.stopping)
        except Exception as error:
            # A role that dies must not leave a process that looks alive: its end is the process's end.
            log.critical("role died", service=self.name, role=role, exc_info=error)
            raise

    @property
    def ready(self) -> bool:
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    async def died(self) -> None:
        """Returns when a role ended although nobody asked for it; raises what it raised."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def stop(self) -> None:
        """Within ten seconds whatever broker and database do: first what was accepted, then the rest, then no more
        waiting."""
        self.stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
            for task in late:
                log.warning("role did not stop in time", task=task.get_name())
                task.cancel()
        await self.resources.close()
