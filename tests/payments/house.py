"""A running payments service for tests, with a view into its database."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from services.payments.attempts import Attempt, State
from services.payments.payment import PAYMENT, Payment
from services.payments.providers.wechat.keys import PlatformKey
from services.payments.settings import PaymentsSettings
from services.payments.tables import TABLES
from shared.broker.ports import Broker
from shared.clock import FrozenClock
from shared.events.base import Event
from shared.events.envelope import open_envelope
from shared.flow.decision import Reply
from shared.flow.headers import unpack
from shared.http.app import Incoming, new_app
from shared.ids import OrderId, uuid7
from shared.money import Money
from shared.security.auth import development_tokens
from shared.service import Resources, Service
from tests.payments.alipay_provider import AlipayPeer
from tests.payments.till import NOW, ORDER, SELLER
from tests.payments.wechat_provider import Provider

SHOPS = {"wechat": (SELLER, "nairobi-roasters"), "alipay": ("coast-growers", "lamu-tea-house")}
Answering = Callable[[httpx.Request], httpx.Response]


@dataclass(frozen=True)
class Account:
    """What lies in the folder of secrets. `platform_key` names the public key, empty: certificates only."""

    appid: str
    mchid: str
    serial_no: str
    key: RSAPrivateKey = field(repr=False)
    apiv3_key: str = field(repr=False)
    apiv2_key: str = field(repr=False)
    certificates: tuple[bytes, ...] = ()
    platform_key: str = ""
    public_key: PlatformKey | None = None


def account_of(provider: Provider) -> Account:
    ours, [platform] = provider.merchant, provider.ring.keys.values()
    return Account(
        ours.appid, ours.mchid, ours.serial_no, ours.key, provider.apiv3_key, ours.apiv2_key,
        platform_key=platform.serial, public_key=platform,
    )  # fmt: skip


def write_secrets(folder: Path, account: Account) -> None:
    folder.mkdir()
    texts = {
        "appid": account.appid, "mchid": account.mchid, "merchant.serial": account.serial_no,
        "apiv3.key": account.apiv3_key, "apiv2.key": account.apiv2_key,
    }  # fmt: skip
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text)
    pem = account.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "merchant.key.pem").write_bytes(pem)
    for number, certificate in enumerate(account.certificates):
        (folder / f"platform{number or ''}.cert.pem").write_bytes(certificate)
    if account.public_key is not None:
        public = account.public_key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        (folder / "platform.public.pem").write_bytes(public)


def write_alipay_secrets(folder: Path, peer: AlipayPeer) -> None:
    """The public key mode."""
    folder.mkdir()
    (folder / "app_id.txt").write_text(peer.app_id)
    (folder / "seller_id.txt").write_text(peer.seller_id)
    (folder / "app.key.pem").write_bytes(peer.app_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "platform.public.pem").write_bytes(peer.public)


@dataclass
class House:
    """The service with its `api` role running; `works` adds the role that calls the provider."""

    service: Service
    client: httpx.AsyncClient
    clock: FrozenClock
    tokens: dict[str, str] = field(repr=False)

    @classmethod
    def open(
        cls,
        settings: PaymentsSettings,
        broker: Broker,
        clock: FrozenClock,
        build: Callable[[Resources, PaymentsSettings], Service],
    ) -> Self:
        tokens = development_tokens(settings.secrets)
        resources = Resources.open("payments", settings, broker, clock)
        service = build(resources, settings)
        app = new_app("payments")
        app.include_router(service.router)
        service.start(("api",))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://pay.twincity.example")
        return cls(service, client, clock, tokens)

    def answer_with(self, handle: Answering) -> None:
        """What the provider's host answers, instead of the network."""
        self.service.resources.http._transport = httpx.MockTransport(handle)
        self.service.resources.http._mounts = {}

    def works(self) -> None:
        self.service.start(("work",))

    async def rests(self, *kinds: str) -> None:
        """Until only work of these kinds is left; at most five seconds."""
        for _ in range(250):
            if not set(await self.work()) - set(kinds):
                return
            await self.breathe()
        raise AssertionError(f"still to do: {await self.work()}")

    async def until(self, true: Callable[[], bool]) -> None:
        for _ in range(250):
            if true():
                return
            await self.breathe()
        raise AssertionError("it did not come true")

    async def until_spoken(self, facts: int) -> None:
        for _ in range(250):
            if len(await self.spoken()) >= facts:
                return
            await self.breathe()
        raise AssertionError(f"only {await self.spoken()}")

    @staticmethod
    async def breathe() -> None:
        await asyncio.sleep(0.02)

    async def close(self) -> None:
        await self.client.aclose()
        await self.service.stop()

    async def hear(self, *contents: object) -> None:
        """Facts, commands and outcomes, decided and stored as if they had come the usual way."""
        reception = self.service.reception
        items = [
            reception.item("test", Incoming(str(uuid7()), content, Reply(200)), b"", self.clock.now())
            for content in contents
        ]
        runner = self.service.runner("test")
        results = await runner.run("receipts", items)
        runner.drop()
        assert [result.failure for result in results] == [None] * len(contents)

    async def preload(
        self, out_trade_no: str, amount: Money, *more: Callable[[Payment], Payment], provider: str = "wechat"
    ) -> None:
        """Make an open attempt known, as if the provider had given its QR."""
        attempt = Attempt(1, "whole", out_trade_no, amount, "coffee", NOW, State.OPEN, provider=provider)
        seller, shop = SHOPS[provider]
        payment = Payment(ORDER, seller, shop, None, (attempt,))
        for change in more:
            payment = change(payment)
        row = TABLES[0].row(PAYMENT.key(ORDER)[1], payment)
        async with self.service.resources.database.connected(role="test") as connection:
            await connection.execute("INSERT INTO payments (key, body, seller, cases) VALUES ($1, $2, $3, $4)", *row)
            await connection.execute("INSERT INTO aliases (name, lane) VALUES ($1, $2)", out_trade_no, ORDER)

    async def told(self, headers: dict[str, str], body: bytes, path: str = "/wechat/notify") -> httpx.Response:
        return await self.client.post(path, headers=headers, content=body)

    async def rows(self, sql: str, *values: object) -> list[Any]:
        async with self.service.resources.database.connected(role="look") as connection:
            return list(await connection.fetch(sql, *values))

    async def spoken(self) -> list[Event]:
        """Facts in the outbox, in order."""
        rows = await self.rows("SELECT headers, value FROM outbox ORDER BY id")
        return [open_envelope(unpack(row["headers"]), row["value"]).event for row in rows]

    async def work(self) -> list[str]:
        return [row["kind"] for row in await self.rows("SELECT kind FROM work ORDER BY kind, name")]

    async def receipts(self, door: str = "wechat") -> list[str]:
        """What became of the notifications that were stored."""
        sql = "SELECT status, reason FROM receipts WHERE door = $1 ORDER BY received_at, id"
        rows = await self.rows(sql, door)
        return [f"{row['status']} {row['reason'].split(':', 1)[0]}".strip() for row in rows]

    async def money(self, order_id: OrderId = ORDER, role: str = "operator") -> httpx.Response:
        return await self.ask(f"/v1/orders/{order_id}/money", role)

    async def ask(self, path: str, role: str = "operator") -> httpx.Response:
        return await self.client.get(path, headers={"Authorization": f"Bearer {self.tokens[role]}"})
