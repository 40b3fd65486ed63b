"""The customs service before the simulated window: real door, intake, calls and signatures; the clock stands still."""

from __future__ import annotations

import asyncio
import atexit
import base64
import functools
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast
from uuid import uuid4

import httpx

from deploy.world import dxp as theirs
from deploy.world.app import World, create
from deploy.world.books import OrderBook
from deploy.world.config import Config
from deploy.world.documents import PaymentDocument, WaybillDocument
from deploy.world.http_client import Answer, Client, NoAnswer
from deploy.world.keys import Keys, load_keys, make_keys
from deploy.world.plan import plan_of
from services.customs.app import build
from services.customs.settings import CustomsSettings
from shared.clock import FrozenClock
from shared.db.embedded import EmbeddedPostgres
from shared.service import Resources, Service
from tests.customs.desk import BOOKED, BUYER, KEYS, NUMBER, ORDER, PLATFORM, RECEIVER, names
from tests.support.service import Running, running

DOOR: Final = "/webhooks/customs/dxp"
XML: Final = "application/xml; charset=utf-8"


class Line(httpx.AsyncBaseTransport):
    """The way to the window. `lose` answers are lost on the way back, though the window took the message."""

    def __init__(self, window: httpx.AsyncBaseTransport) -> None:
        self.window, self.lose, self.sent = window, 0, list[bytes]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request.content)
        answer = await self.window.handle_async_request(request)
        if self.lose:
            self.lose -= 1
            raise httpx.ReadError("the connection broke", request=request)
        return answer


@dataclass
class Back:
    """The window's way to us: the world's own HTTP client, in process."""

    client: httpx.AsyncClient

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes,
        timeout: float,  # noqa: ASYNC109 - the world's client has it so
    ) -> Answer:
        try:
            answer = await self.client.request(method, url, headers=dict(headers), content=body, timeout=timeout)
        except httpx.HTTPError as error:
            raise NoAnswer(type(error).__name__) from error
        return Answer(answer.status_code, answer.content)

    def close(self) -> None:
        """The client is the test's."""


@dataclass(frozen=True)
class Bureau:
    run: Running
    world: World
    line: Line
    keys: Keys
    book: OrderBook = field(repr=False)

    # --- what the partners declared -----------------------------------------------------------------------------------

    def hear_partners(self, street: str = RECEIVER.street) -> None:
        address = f"{RECEIVER.province}{RECEIVER.city}{RECEIVER.district}{street}"
        self.world.customs.take_payment(
            PaymentDocument("4403169D3W", "4200000042", NUMBER, PLATFORM, BUYER.id_number, BUYER.name, 12900)
        )
        self.world.customs.take_waybill(
            WaybillDocument(
                BOOKED.logistics_code, BOOKED.waybill_no, NUMBER, RECEIVER.name, RECEIVER.phone, address, 260
            )
        )

    # --- what customs says by itself ----------------------------------------------------------------------------------

    def envelope(self, kind: str, node: str, *entries: Mapping[str, str], receiver: str = "") -> bytes:
        return self.wrapped(theirs.receipts(kind, node, list(entries)), kind, receiver=receiver)

    def wrapped(self, data: bytes, kind: str, *, receiver: str = "") -> bytes:
        return theirs.message(
            data,
            message_type=f"CEB{kind}Message",
            sender=self.keys.window_dxp,
            receiver=receiver or self.keys.enterprise_dxp,
            key=self.keys.window,
            certificate=self.keys.window_certificate,
            at=self.run.clock.now(),
        )

    async def push(self, body: bytes) -> httpx.Response:
        return await self.run.client.post(DOOR, content=body, headers={"content-type": XML})

    # --- looks --------------------------------------------------------------------------------------------------------

    async def spoken(self, *wanted: str) -> None:
        """Exactly these facts, in this order, within some seconds."""
        seen = names(await self.run.spoken())
        for _ in range(400):
            if len(seen) >= len(wanted):
                break
            await asyncio.sleep(0.02)
            seen = names(await self.run.spoken())
        assert seen == list(wanted), seen

    async def settled(self) -> None:
        """Nothing is due any more."""
        due = await self._due()
        for _ in range(400):
            if not due and not self.world.core.sender.busy:
                break
            await asyncio.sleep(0.02)
            due = await self._due()
        assert due == []

    async def _due(self) -> list[Any]:
        return await self.run.rows("SELECT kind, name FROM work WHERE due_at <= $1", self.run.clock.now())

    async def dossier(self, token: str = "operator") -> dict[str, Any]:
        answer = await self.run.ask("GET", f"/v1/orders/{ORDER}/dossier", token)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    def documents(self) -> list[str]:
        """What of ours the window has on file: kind, new or change, how often it came."""
        ours = [one for one in self.book.shelves["documents"] if "sha256" in one]
        assert all(one["authentic"] and not one["differs"] for one in ours)
        return [f"{one['type']} {one['app_type']} x{one['count']}" for one in ours]


@asynccontextmanager
async def bureau(postgres: EmbeddedPostgres, folder: Path, *plan: str, **more: Any) -> AsyncIterator[Bureau]:
    """`plan` is what the window does to the order; `more` are settings of the service."""
    shutil.copytree(_secrets(), folder, dirs_exist_ok=True)
    keys = load_keys(folder)
    world_app = create(_config(folder), keys)
    world: World = world_app.state.world
    line = Line(httpx.ASGITransport(world_app))

    def before_the_window(resources: Resources, settings: CustomsSettings) -> Service:
        resources.http = httpx.AsyncClient(transport=line)
        return build(resources, settings)

    book = OrderBook("5001", plan_of(*plan), 12900, "CNY", [])
    world.core.books.open(book)
    world.core.books.alias(book, NUMBER)
    clock = FrozenClock(datetime.now(UTC))
    asked = {"world_url": "http://window.test", **more}
    async with running(
        postgres, folder, "customs", before_the_window, CustomsSettings, clock, ("api", "work"), **asked
    ) as run:
        world.core.sender._client = cast("Client", Back(run.client))
        yield Bureau(run, world, line, keys, book)
        await world.core.sender.stop()


@functools.cache
def _secrets() -> Path:
    """Keys of both sides, made once (a pair of RSA keys takes longer than a test), and the samples' facts keyring."""
    folder = Path(tempfile.mkdtemp(prefix="customs-keys-"))
    atexit.register(shutil.rmtree, folder)
    make_keys(folder)
    content = {
        "current": KEYS.current,
        "keys": {name: base64.b64encode(key).decode() for name, key in KEYS.keys.items()},
        "fingerprint": base64.b64encode(KEYS.fingerprint_key).decode(),
    }
    (folder / "facts.keyring.json").write_text(json.dumps(content))
    return folder


def _config(folder: Path) -> Config:
    return Config.of(
        {
            "base": "https://corridor.test",
            "secrets": str(folder),
            "tokens": {"seller": "seller", "operator": "operator"},
            "time_scale": 1_000_000,
            "retry_scale": 1e9,
            # Real moments: what follows must not overtake what came before.
            "durations": {"inspection": 500_000, "release": 100_000},
            "faults": {"server_error": 0, "lost": 0},
        }
    )


def node(status: str, at: str, **numbers: str) -> dict[str, str]:
    """A receipt node; `at` is yyyyMMddHHmmssSSS."""
    return {"guid": str(uuid4()).upper(), **numbers, "returnStatus": status, "returnTime": at, "returnInfo": "text"}
