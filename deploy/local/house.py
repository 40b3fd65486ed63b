"""The services of an installation, running: all in this process on the embedded log, or one process each on Kafka."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from pydantic import SecretStr

from deploy.kafka.local import LocalKafka
from deploy.local.attention import reader
from deploy.local.installation import ROOT, SERVICES, Installation
from deploy.local.world import free_port
from services.tower.app import build as build_tower
from services.tower.settings import TowerSettings
from shared.broker.ports import Broker
from shared.db.embedded import EmbeddedPostgres
from shared.events.topics import specs
from shared.host import Host, broker_of
from shared.service import Resources

READY_SECONDS: Final = 60.0


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
async def embedded(folder: Path, *, port: int, world_url: str, **more: Any) -> AsyncIterator[House]:  # noqa: ANN401
    """PostgreSQL and all services in this process; leaves nothing running."""
    postgres = await asyncio.to_thread(EmbeddedPostgres.start, folder / "postgres")
    try:
        installation = await Installation.prepare(folder, postgres)
        port = port or free_port()  # partners are told where to answer before we listen
        given = {"broker": "embedded", "port": port, "world_url": world_url, **more}
        broker = broker_of(installation.settings("orders", **given))
        services = [installation.build(name, broker, **given) for name in SERVICES if name != "tower"]
        tower = installation.settings("tower", **given)
        assert isinstance(tower, TowerSettings)
        services.append(build_tower(Resources.open("tower", tower, broker), tower, attention=reader(services)))
        host = Host(services, broker)
        await host.prepare()
        await installation.connect_shop(services[list(SERVICES).index("orders")].resources, world_url)
        listening: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        ended = asyncio.create_task(host.run("127.0.0.1", port, started=listening.set_result))
        ended.add_done_callback(lambda _: listening.done() or listening.cancel())
        try:
            url = f"http://127.0.0.1:{await listening}"
        except asyncio.CancelledError:
            ended.result()  # it ended before it listened: say why
            raise
        house = House(installation, postgres, broker, dict.fromkeys(SERVICES, url), [os.getpid()], ended, host.stopping)
        try:
            yield house
        finally:
            host.stopping.set()
            await asyncio.wait({ended}, timeout=11)
    finally:
        await asyncio.to_thread(postgres.stop)


@asynccontextmanager
async def separate(folder: Path, *, port: int, world_url: str, **more: Any) -> AsyncIterator[House]:  # noqa: ANN401
    """PostgreSQL, a real Kafka, and one process per service. `port` is the tower's; the others take free ones."""
    async with AsyncExitStack() as stack:
        postgres = await asyncio.to_thread(EmbeddedPostgres.start, folder / "postgres")
        stack.push_async_callback(asyncio.to_thread, postgres.stop)
        kafka = await asyncio.to_thread(LocalKafka.start, folder / "kafka")
        stack.push_async_callback(asyncio.to_thread, kafka.stop)
        children: dict[str, subprocess.Popen[bytes]] = {}
        stack.push_async_callback(_stop, children)
        installation = await Installation.prepare(folder, postgres)
        given = {"broker": "kafka", "broker_dsn": SecretStr(kafka.bootstrap), "world_url": world_url, **more}
        ports = {name: free_port() for name in SERVICES} | ({"tower": port} if port else {})
        urls = {name: f"http://127.0.0.1:{number}" for name, number in ports.items()}
        for name, number in ports.items():
            environment = installation.environment(name, **given, port=number, public_url=urls[name])
            children[name] = _child(folder, name, environment)
        await asyncio.gather(*(_ready(urls[name], child, folder) for name, child in children.items()))
        broker = broker_of(installation.settings("orders", **given))
        await broker.ensure(specs())
        stack.push_async_callback(broker.close)
        orders = installation.build("orders", broker, **given)
        await installation.connect_shop(orders.resources, world_url)
        await orders.resources.close()
        ended = asyncio.create_task(_first_death(children))
        stack.callback(ended.cancel)
        yield House(installation, postgres, broker, urls, [child.pid for child in children.values()], ended)


def _child(folder: Path, name: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.log").open("ab") as log:
        command = [sys.executable, "-m", f"services.{name}"]
        return subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=log, stderr=log)


async def _ready(url: str, child: subprocess.Popen[bytes], folder: Path) -> None:
    async with asyncio.timeout(READY_SECONDS), httpx.AsyncClient() as http:
        while True:
            if child.poll() is not None:
                raise RuntimeError(f"a service ended while starting; see the logs in {folder}")
            try:
                if (await http.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)


async def _first_death(children: dict[str, subprocess.Popen[bytes]]) -> None:
    while True:
        for name, child in children.items():
            if child.poll() is not None:
                raise RuntimeError(f"{name} ended by itself ({child.returncode})")
        await asyncio.sleep(0.5)


async def _stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    for child in children.values():
        try:
            await asyncio.to_thread(child.wait, 11)
        except subprocess.TimeoutExpired:
            child.kill()
