"""The partners' world as a child process, and what its books say."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import httpx

from deploy.local.installation import ROOT, Installation
from deploy.world.config import Doors

READY_SECONDS: Final = 20.0
# Which service listens at which of the partners' doors.
LISTENS: Final = {
    **dict.fromkeys(("orders_api", "shopify", "standard", "xiaohongshu"), "orders"),
    **dict.fromkeys(("cainiao", "seventeentrack", "warehouse"), "logistics"), "customs": "customs",
}  # fmt: skip


class World:
    """Started with a configuration file of its own; ends with us."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._log = Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.AsyncClient(base_url=self.url, timeout=30)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, installation: Installation, base_urls: dict[str, str], *, time_scale: float, seed: int) -> None:
        config = configuration(installation, base_urls, time_scale=time_scale, seed=seed)
        self._log = installation.folder / "world.log"
        path = installation.folder / "world.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config))
        command = [sys.executable, "-m", "deploy.world", "--config", str(path), "--port", str(self.port)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)

    async def ready(self) -> None:
        async with asyncio.timeout(READY_SECONDS):
            while True:
                if self._process is not None and self._process.poll() is not None:
                    raise RuntimeError(f"the partners' world ended; see {self._log}")
                try:
                    (await self._http.get("/healthz")).raise_for_status()
                except httpx.HTTPError:
                    await asyncio.sleep(0.05)
                else:
                    return

    async def run(self, orders: int, *, rate: float | None, share: float, seed: int, only: Sequence[str]) -> None:
        plans = [list(only)] if only else []
        body = {"orders": orders, "rate": rate, "share": share, "seed": seed, "plans": plans}
        (await self._http.post("/control/run", json=body)).raise_for_status()

    async def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = (await self._http.get("/control/status")).raise_for_status().json()
        return answer

    async def books(self) -> dict[str, Any]:
        answer: dict[str, Any] = (await self._http.get("/control/books")).raise_for_status().json()
        return answer

    async def stop(self) -> None:
        await self._http.aclose()
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                await asyncio.to_thread(self._process.wait, 5)
            except subprocess.TimeoutExpired:
                self._process.kill()


def configuration(
    installation: Installation, base_urls: dict[str, str], *, time_scale: float, seed: int
) -> dict[str, Any]:
    """base_urls: where each service listens (one and the same when they share a process)."""
    return {
        "base": base_urls["orders"],
        "secrets": str(installation.secrets),
        "tokens": {
            **{role: installation.tokens[role] for role in ("seller", "operator")},
            "sellers": {"coast-growers": installation.tokens["seller-coast-growers"]},
        },
        "time_scale": time_scale,
        "seed": seed,
        "doors": {door: base_urls[LISTENS[door]] + path for door, path in Doors.PATHS.items()},
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
