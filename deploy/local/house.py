"""The services of an installation, running: all in this process on the embedded log, or one process each on Kafka."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr

from deploy.kafka.local import LocalKafka
from deploy.local import processes
from deploy.local.attention import reader
from deploy.local.installation import SERVICES, Installation
from deploy.local.world import free_port
from deploy.world.keys import make_keys
from services.tower.app import build as build_tower
from services.tower.settings import TowerSettings
from shared.broker.ports import Broker
from shared.db.embedded import EmbeddedPostgres
from shared.events.topics import specs
from shared.host import Host, broker_of
from shared.service import Resources

READY_SECONDS: Final = 60.0
Told = Callable[[Installation, dict[str, str]], None]
"""Called as soon as it is known where the services will listen: what talks to them may start beside them."""


@dataclass
class House:
    """`urls` says where each service listens; `pids` are the processes whose memory counts."""

    installation: Installation
    postgres: EmbeddedPostgres
    broker: Broker
    urls: dict[str, str]
    pids: list[int]
    ended: asyncio.Task[None]
    stopping: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def embedded(
    folder: Path,
    *,
    port: int,
    world_url: str,
    told: Told | None = None,
    **more: Any,  # noqa: ANN401
) -> AsyncIterator[House]:
    """PostgreSQL and all services in this process; leaves nothing running."""
    postgres = await asyncio.to_thread(EmbeddedPostgres.start, folder / "postgres")
    try:
        installation = await Installation.prepare(folder, postgres)
        port = port or free_port()  # partners are told where to answer before we listen
        urls = dict.fromkeys(SERVICES, f"http://127.0.0.1:{port}")
        if told is not None:
            told(installation, urls)
        given = {"broker": "embedded", "port": port, "world_url": world_url, **more}
        broker = broker_of(installation.settings("orders", **given))
        services = [installation.build(name, broker, **given) for name in SERVICES if name != "tower"]
        tower = installation.settings("tower", **given, **where(urls))
        assert isinstance(tower, TowerSettings)
        services.append(build_tower(Resources.open("tower", tower, broker), tower, attention=reader(services)))
        host = Host(services, broker)
        await host.prepare()
        await installation.connect_shops(services[list(SERVICES).index("orders")].resources, world_url)
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        ended = asyncio.create_task(host.run("127.0.0.1", port, started=listening.set_result))
        ended.add_done_callback(lambda _: listening.done() or listening.cancel())
        try:
            await listening
        except asyncio.CancelledError:
            ended.result()  # it ended before it listened: say why
            raise
        house = House(installation, postgres, broker, urls, [os.getpid()], ended, host.stopping)
        try:
            yield house
        finally:
            host.stopping.set()
            await asyncio.wait({ended}, timeout=11)
    finally:
        await asyncio.to_thread(postgres.stop)


@asynccontextmanager
async def separate(
    folder: Path,
    *,
    port: int,
    world_url: str,
    told: Told | None = None,
    **more: Any,  # noqa: ANN401
) -> AsyncIterator[House]:
    """PostgreSQL, a real Kafka, and one process per service. `port` is the tower's; the others take free ones."""
    async with AsyncExitStack() as stack:
        processes.prepare(tuple(SERVICES))
        starting = asyncio.create_task(asyncio.to_thread(LocalKafka.start, folder / "kafka"))
        stack.push_async_callback(_stop_kafka, starting)
        keys = asyncio.create_task(asyncio.to_thread(make_keys, folder / "secrets"))
        postgres = await asyncio.to_thread(EmbeddedPostgres.start, folder / "postgres")
        stack.push_async_callback(asyncio.to_thread, postgres.stop)
        await keys
        children: dict[str, ForkServerProcess] = {}
        stack.push_async_callback(_stop, children)
        installation = await Installation.prepare(folder, postgres)
        kafka = await starting
        given = {"broker": "kafka", "broker_dsn": SecretStr(kafka.bootstrap), "world_url": world_url, **more}
        ports = {name: free_port() for name in SERVICES} | ({"tower": port} if port else {})
        urls = {name: f"http://127.0.0.1:{number}" for name, number in ports.items()}
        if told is not None:
            told(installation, urls)
        for name, number in ports.items():
            more_of_it = {"port": number, "public_url": urls[name]} | (where(urls) if name == "tower" else {})
            environment = installation.environment(name, **given, **more_of_it)
            children[name] = processes.start(name, environment, folder / f"{name}.log")
        broker = broker_of(installation.settings("orders", **given))
        stack.push_async_callback(broker.close)
        ready = (_ready(urls[name], child, folder) for name, child in children.items())
        await asyncio.gather(broker.ensure(specs()), *ready)
        orders = installation.build("orders", broker, **given)
        await installation.connect_shops(orders.resources, world_url)
        await orders.resources.close()
        ended = asyncio.create_task(_first_death(children))
        stack.callback(ended.cancel)
        pids = [child.pid for child in children.values() if child.pid]
        yield House(installation, postgres, broker, urls, pids, ended)


async def _stop_kafka(starting: asyncio.Task[LocalKafka]) -> None:
    """Also where something else failed while it started."""
    await asyncio.wait({starting})
    if not starting.exception():
        await asyncio.to_thread(starting.result().stop)


def where(urls: dict[str, str]) -> dict[str, str]:
    """The tower's settings that say where the others listen."""
    return {f"{name}_url": url for name, url in urls.items() if name != "tower"}


async def _ready(url: str, child: ForkServerProcess, folder: Path) -> None:
    async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient() as http:
        while True:
            if child.exitcode is not None:
                raise RuntimeError(f"a service ended while starting; see the logs in {folder}")
            try:
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)


async def _first_death(children: dict[str, ForkServerProcess]) -> None:
    while True:
        for name, child in children.items():
            if child.exitcode is not None:
                raise RuntimeError(f"{name} ended by itself ({child.exitcode})")
        await asyncio.sleep(0.5)


async def _stop(children: dict[str, ForkServerProcess]) -> None:
    for child in children.values():
        child.terminate()
    for child in children.values():
        await asyncio.to_thread(child.join, 11)
        if child.exitcode is None:
            child.kill()
