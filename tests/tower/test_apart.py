"""Every service its own process: the tower still shows what another one has set aside, and says who is silent."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.local.house import where
from deploy.local.installation import ROOT, SERVICES, Installation
from deploy.local.world import free_port
from shared.db.embedded import EmbeddedPostgres


@dataclass
class Apart:
    """The tower and catalog as two processes of one installation; the others are not there."""

    installation: Installation
    tower: str

    async def get(self, path: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.installation.tokens['operator']}", "Accept-Language": "en"}
        async with httpx.AsyncClient(base_url=self.tower, headers=headers) as client:
            return (await client.get(path)).raise_for_status()


@pytest.fixture
async def apart(tmp_path: Path) -> AsyncIterator[Apart]:
    with EmbeddedPostgres.start(tmp_path / "postgres") as postgres:
        installation = await Installation.prepare(tmp_path, postgres)
        urls = {name: f"http://127.0.0.1:{free_port()}" for name in SERVICES}
        children = [_child(installation, name, urls) for name in ("catalog", "tower")]
        try:
            await asyncio.gather(*(_ready(urls[name]) for name in ("catalog", "tower")))
            yield Apart(installation, urls["tower"])
        finally:
            for child in children:
                child.terminate()
            for child in children:
                await asyncio.to_thread(child.wait, 15)


def _child(installation: Installation, name: str, urls: dict[str, str]) -> subprocess.Popen[bytes]:
    more = {"broker": "embedded", "port": int(urls[name].rpartition(":")[2])} | where(urls)
    environment = os.environ | installation.environment(name, **more)
    return subprocess.Popen([sys.executable, "-m", f"services.{name}"], cwd=ROOT, env=environment)


async def _ready(url: str) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient() as client:
        while True:
            try:
                if (await client.get(f"{url}/readyz")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(0.1)


async def test_a_dead_letter_of_another_process_is_shown_and_silence_is_named(apart: Apart) -> None:
    connection = await asyncpg.connect(apart.installation.dsns["catalog"])
    await connection.execute(
        'INSERT INTO parked (lane, state, topic, partition, "offset", timestamp_ms, headers, value, code, reason,'
        " attempts, failed_at)"
        " VALUES ('a-lane', 'dead', 'orders.order', 0, 0, 0, '', '', 'catalog.odd', 'why', 1, now())"
    )
    await connection.close()

    told = (await apart.get("/v1/tower/dead-letters")).json()
    page = (await apart.get("/dead-letters")).text

    assert [(group["service"], group["code"], group["count"]) for group in told["groups"]] == [
        ("catalog", "catalog.odd", 1)
    ]
    assert (told["count"], set(told["silent"])) == (1, {"orders", "payments", "logistics", "customs"})
    assert "Not reachable: " in page
    assert "catalog.odd" in page
