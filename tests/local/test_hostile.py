"""Every partner at its worst, the whole house, and then the books: nothing lost, nothing twice, nobody's name told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local.demo import Wish, demo
from shared.db.embedded import EmbeddedPostgres
from shared.db.migrate import service_dsn
from tests.local.leaks import dumped, in_files, personal

ORDERS = 120


class Collector:
    """Takes whatever telemetry is sent and keeps the bytes."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.url = ""

    async def serve(self) -> asyncio.Server:
        server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        return server

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lengths = [
                    line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
                ]
                self.bodies.append(await reader.readexactly(int(lengths[0]) if lengths else 0))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@pytest.fixture(scope="module")
async def run(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Path, dict[str, Any], Collector]]:
    """One run in which every order misbehaves, and its report."""
    folder = tmp_path_factory.mktemp("hostile")
    collector = Collector()
    server = await collector.serve()
    wish = Wish(
        orders=ORDERS, share=1.0, seed=11, folder=folder / "data", port=0, stay=False, report=folder / "report.json",
        rate=12.0, otlp=collector.url,
    )  # fmt: skip
    (folder / "data").mkdir()
    code = await demo(wish)
    report = json.loads((folder / "report.json").read_text())
    assert code == 0, report
    yield folder / "data", report, collector
    server.close()


async def test_every_order_ends_or_waits_with_a_reason(run: tuple[Path, dict[str, Any], Collector]) -> None:
    _, report, _ = run

    orders = report["orders"]
    ended, waiting = sum(orders["ended_otherwise"].values()), sum(orders["waiting"].values())
    assert orders["open"] == 0
    assert orders["completed"] + ended + waiting == orders["accepted"]
    assert orders["completed"] > ORDERS / 5
    assert len(orders["ended_otherwise"].keys() | orders["waiting"].keys()) >= 10
    assert all(each["why"] for each in orders["not_completed"])


async def test_money_and_stock_are_conserved_and_nothing_left_too_early(
    run: tuple[Path, dict[str, Any], Collector],
) -> None:
    _, report, _ = run

    assert report["invariants"] == dict.fromkeys(report["invariants"], 0)
    assert report["orders"]["acknowledged"] > 0


async def test_no_buyer_is_named_outside_sealed_columns(run: tuple[Path, dict[str, Any], Collector]) -> None:
    folder, _, collector = run

    told: dict[str, set[str]] = in_files(folder.glob("*.log"))
    for number, body in enumerate(collector.bodies):
        if found := personal(body.decode("utf-8", "replace")):
            told[f"span {number}"] = found
    rows = 0
    with EmbeddedPostgres.start(folder / "postgres") as postgres:
        for name, password in json.loads((folder / "secrets" / "databases.json").read_text()).items():
            for table, text in await dumped(service_dsn(postgres.dsn(), name, password)):
                rows += 1
                if found := personal(text):
                    told.setdefault(f"{name}.{table}", set()).update(found)

    assert told == {}
    assert rows > 20 * ORDERS
    assert len(collector.bodies) > 3


def test_what_looks_for_names_finds_them_however_they_are_written() -> None:
    name = "林佳宁"

    assert personal(f"to {name}") == {name}
    assert personal(json.dumps({"to": name})) == {name}
    assert personal(json.dumps(json.dumps({"to": name + " 13800000000"}).encode().hex())) == {name}
    assert personal("eyJ0byI6Iuael+S9s+WugSIsIm8iOiIxMjM0NSJ9") == {name}
    assert personal("id 999999199003071234") == {"999999199003071234"}
    assert personal("林** 350***15") == set()
