"""What the containers run, run without containers: the same programs, told the same, on this machine's PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.local.world import free_port
from shared.db.embedded import FIXED, EmbeddedPostgres
from shared.db.migrate import ROOT, provision, service_dsn
from tests.deploy.compose import OURS, environment, postgres_settings, services

READY_SECONDS = 90.0
STOP_SECONDS = 12
PASSWORD = "development"


@dataclass
class Stage:
    """Containers as processes: /data is a folder, a container's name a port of this machine."""

    folder: Path
    admin_dsn: str
    world_port: int = field(default_factory=free_port)
    ports: dict[str, int] = field(default_factory=lambda: {name: free_port() for name in OURS})
    started: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def told(self, name: str) -> dict[str, str]:
        """The container's environment, with this machine's addresses in it, and nothing of ours beside it."""
        given = environment(name) | {"CORRIDOR_SECRETS": str(self.folder / "secrets")}
        if "CORRIDOR_DSN" in given:
            owner = "orders" if name == "connect" else name
            given["CORRIDOR_DSN"] = service_dsn(self.admin_dsn, owner, PASSWORD)
        if name == "setup":
            given["CORRIDOR_ADMIN_DSN"] = self.admin_dsn
        if name in OURS:
            # No Kafka and no collector on this stage; everything else is as the file says.
            log = service_dsn(self.admin_dsn, "broker", PASSWORD)
            given |= {"CORRIDOR_BROKER": "embedded", "CORRIDOR_BROKER_DSN": log, "CORRIDOR_OTLP_ENDPOINT": ""}
            given |= {"CORRIDOR_HOST": "127.0.0.1", "CORRIDOR_PORT": str(self.ports[name])}
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("CORRIDOR_")}
        return inherited | {key: self._here(value) for key, value in given.items()} | {"PYTHONPATH": str(ROOT)}

    def _here(self, value: str) -> str:
        for name, port in {**self.ports, "world": self.world_port}.items():
            value = value.replace(f"http://{name}:{9100 if name == 'world' else 8000}", f"http://127.0.0.1:{port}")
        return value.replace("/corridor/deploy", str(ROOT / "deploy"))

    def once(self, name: str) -> str:
        """A container that does its work and ends."""
        command = [sys.executable, "-m", *services()[name]["command"]]
        ended = subprocess.run(
            command, env=self.told(name), cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def start(self, name: str, command: Sequence[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.started[name] = subprocess.Popen(
                [sys.executable, "-m", *command], env=self.told(name), cwd=self.folder, stdout=log, stderr=log
            )

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text("utf-8", "replace")[-2000:]

    async def well(self, name: str, url: str) -> None:
        """As the health check asks; with the end of its log where it never becomes so."""
        async with httpx.AsyncClient(timeout=3) as http:
            for _ in range(int(READY_SECONDS / 0.2)):
                assert self.started[name].poll() is None, self.log(name)
                try:
                    if (await http.get(url)).status_code == 200:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.2)
        pytest.fail(f"{name} is not ready: {self.log(name)}")

    def stop(self) -> dict[str, int]:
        for process in self.started.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        try:
            return {name: process.wait(STOP_SECONDS) for name, process in self.started.items()}
        finally:
            for process in self.started.values():
                process.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL with the container's own settings, as far as they are not its addresses."""
    given = {name: value for name, value in postgres_settings().items() if name not in FIXED}
    with EmbeddedPostgres.start(tmp_path_factory.mktemp("containers") / "cluster", settings=given) as running:
        yield running


@pytest.fixture
async def stage(server: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Stage]:
    stage = Stage(tmp_path, server.dsn())
    await provision(stage.admin_dsn, "broker", PASSWORD)
    yield stage
    stage.stop()


async def test_every_container_of_ours_comes_up_and_ends_when_it_is_told(stage: Stage) -> None:
    stage.once("setup")
    for name in OURS:
        stage.start(name, services()[name]["command"])
    await asyncio.gather(*(stage.well(name, f"http://127.0.0.1:{stage.ports[name]}/readyz") for name in OURS))
    stage.once("connect")
    module, *_ = services()["world"]["command"]
    stage.start("world", [module, "--config", str(stage.folder / "world.json"), "--port", str(stage.world_port)])
    await stage.well("world", f"http://127.0.0.1:{stage.world_port}/healthz")

    connected = await rows(service_dsn(stage.admin_dsn, "orders", PASSWORD), "SELECT count(*) FROM connections")
    stocked = await rows(service_dsn(stage.admin_dsn, "catalog", PASSWORD), "SELECT count(*) > 0 FROM stock")
    ends = stage.stop()

    assert (connected, stocked) == (3, True)
    assert {name: code for name, code in ends.items() if name != "world"} == dict.fromkeys(OURS, 0)
    world = json.loads((stage.folder / "world.json").read_text())
    assert world["doors"]["customs"] == f"http://127.0.0.1:{stage.ports['customs']}/webhooks/customs/dxp"


async def test_what_is_set_up_twice_keeps_its_keys(stage: Stage) -> None:
    stage.once("setup")
    before = {path: path.read_bytes() for path in (stage.folder / "secrets").rglob("*") if path.is_file()}

    stage.once("setup")

    after = {path: path.read_bytes() for path in (stage.folder / "secrets").rglob("*") if path.is_file()}
    assert before == after
    assert all(path.stat().st_mode & 0o077 == 0 for path in before if path.name.endswith((".json", ".key.pem")))


async def rows(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()
