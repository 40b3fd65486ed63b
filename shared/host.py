"""One process that runs services: their HTTP on one port, their roles beside it, and an end within ten seconds."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import uvicorn
from fastapi import Response

from shared.broker.embedded import EmbeddedBroker
from shared.broker.kafka import KafkaBroker, KafkaSettings
from shared.broker.ports import Broker
from shared.db.engine import Database
from shared.db.migrate import migrate
from shared.errors import Failure
from shared.events.topics import specs
from shared.http import operations
from shared.http.app import new_app
from shared.http.edge import Documented
from shared.logs import logger
from shared.service import ROLES, RoleName, Service
from shared.settings import Settings

log = logger("host")

LAST_WORD_SECONDS: Final = 9.5  # after this the process ends whatever still hangs: the ten seconds are a promise


def broker_of(settings: Settings) -> Broker:
    dsn = settings.broker_dsn.get_secret_value()
    if settings.broker == "kafka":
        return KafkaBroker(KafkaSettings(dsn))
    return EmbeddedBroker(Database(dsn, "broker"))


class PortTaken(Failure):
    """Nobody can listen there: another program does, or we may not."""

    code = "host.port_taken"
    fix = "name another port"


@dataclass
class Host:
    """Everything that one process runs. Ready when every role of every service is."""

    services: Sequence[Service]
    broker: Broker
    roles: Sequence[RoleName] = ROLES
    app: Documented = field(default_factory=lambda: new_app("Corridor"))
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def prepare(self) -> None:
        """Topics, migrations and first data; safe when several processes do it at once."""
        await self.broker.ensure(specs())
        for service in self.services:
            await migrate(service.resources.settings.dsn.get_secret_value(), service.name)
            if service.parts.first is not None:
                await service.parts.first()

    def mount(self) -> None:
        @self.app.get("/healthz", include_in_schema=False)
        async def alive() -> dict[str, str]:
            return {"status": "ok"}

        @self.app.get("/readyz", include_in_schema=False)
        async def ready(response: Response) -> dict[str, bool]:
            states = {service.name: service.ready for service in self.services}
            response.status_code = 200 if all(states.values()) else 503
            return states

        self.app.services = tuple(service.name for service in self.services)
        for service in self.services:
            self.app.include_router(service.router)
            own = service.resources
            self.app.include_router(operations.router(service.name, own.read, own.tokens, own.clock))

    async def run(self, host: str, port: int, *, started: Callable[[int], None] | None = None) -> None:
        """Until SIGTERM, SIGINT, `stopping`, or the death of a role (which is raised)."""
        self.mount()
        door = _listening(host, port)
        server = _Server(uvicorn.Config(self.app, log_level="warning", access_log=False, lifespan="off"))
        self._catch_signals()
        _settle_memory()
        for service in self.services:
            service.start(self.roles)
        serving = asyncio.create_task(server.serve([door]))
        deaths = [asyncio.create_task(service.died()) for service in self.services]
        stop = asyncio.create_task(self._asked_to_stop())
        try:
            await server.listening(serving)
            if started is not None:
                started(server.port)
            await asyncio.wait([stop, serving, *deaths], return_when=asyncio.FIRST_COMPLETED)
            for task in (serving, *deaths):
                if task.done():
                    task.result()
        finally:
            await self._end(server, serving, [stop, *deaths])

    async def _end(self, server: _Server, serving: asyncio.Task[None], watchers: list[asyncio.Task[None]]) -> None:
        """No more requests, then the roles, then the broker; what does not end in time is left behind."""
        timer = asyncio.get_running_loop().call_later(LAST_WORD_SECONDS, _leave)
        server.should_exit = True
        await asyncio.wait({serving}, timeout=2)
        await asyncio.gather(*(service.stop() for service in self.services), return_exceptions=True)
        await self.broker.close()
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        timer.cancel()

    async def _asked_to_stop(self) -> None:
        await self.stopping.wait()

    def _catch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)


def _listening(host: str, port: int) -> socket.socket:
    """Bound by ourselves: where it cannot be, uvicorn would end the process without a word of ours.

    Raises PortTaken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        raise PortTaken(f"port {port} cannot be opened ({error.strerror})") from error
    return door


class _Server(uvicorn.Server):
    """uvicorn that leaves signals to us and says on which port it listens."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours are there already; one owner of a signal is enough."""
        yield

    async def listening(self, serving: asyncio.Task[None]) -> None:
        while not self.started:
            if serving.done():
                raise RuntimeError("the port cannot be opened: is another program using it?")
            await asyncio.sleep(0.005)

    @property
    def port(self) -> int:
        return int(self.servers[0].sockets[0].getsockname()[1])


def _settle_memory() -> None:
    """What is imported and built by now lives as long as the process: the collector need not walk it again and again.

    Batches make and drop some thousand objects at once, and few of them in cycles: with CPython's default of 700 it
    ran several times a batch, for a fifth of all CPU time (docs/benchmarks.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


def _leave() -> None:
    log.critical("did not stop in time: leaving")
    os._exit(1)
