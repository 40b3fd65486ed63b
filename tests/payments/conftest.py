"""A payments service per test: a fresh database, an account at a provider, a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path

import asyncpg
import pytest

from services.payments.app import build
from services.payments.settings import PaymentsSettings
from shared.broker.embedded import EmbeddedBroker
from shared.clock import FrozenClock
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from shared.db.migrate import migrate
from tests.payments import house as houses
from tests.payments.alipay_provider import URL as ALIPAY_URL
from tests.payments.alipay_provider import AlipayPeer
from tests.payments.house import Account, House
from tests.payments.till import NOW
from tests.payments.wechat_provider import Provider

_NUMBERS = count()
OpenHouse = Callable[[Account], Awaitable[House]]


@pytest.fixture(scope="session")
async def template(postgres: EmbeddedPostgres) -> str:
    """A migrated database to copy from."""
    await _create(postgres, "payments_template", "template0")
    await migrate(postgres.dsn("payments_template"), "payments")
    return "payments_template"


@pytest.fixture
async def database(postgres: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    name = f"payments{next(_NUMBERS)}"
    await _create(postgres, name, template)
    yield postgres.dsn(name)
    await _admin(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def open_house(database: str, tmp_path: Path, one_alipay: AlipayPeer) -> AsyncIterator[OpenHouse]:
    """A running service for an account; one per test."""
    opened: list[House] = []

    async def open_(account: Account) -> House:
        await asyncio.to_thread(houses.write_secrets, tmp_path / "wechat", account)
        await asyncio.to_thread(houses.write_alipay_secrets, tmp_path / "alipay", one_alipay)
        settings = PaymentsSettings.model_validate(
            {
                "secrets": tmp_path, "dsn": database, "public_url": "https://pay.twincity.example",
                "wechat_url": "https://wechat.test", "alipay_url": ALIPAY_URL,
                "wechat_platform_key": account.platform_key,
            }
        )  # fmt: skip
        broker = EmbeddedBroker(Database(database, "no log"))
        opened.append(House.open(settings, broker, FrozenClock(NOW), build))
        return opened[-1]

    yield open_
    for house in opened:
        await house.close()


@pytest.fixture(scope="session")
def one_provider() -> Provider:
    """Its keys take a second to make."""
    return Provider()


@pytest.fixture(scope="session")
def one_alipay() -> AlipayPeer:
    return AlipayPeer()


@pytest.fixture
def alipay(one_alipay: AlipayPeer) -> AlipayPeer:
    one_alipay.calls.clear()
    one_alipay.asked.clear()
    one_alipay.answers.clear()
    return one_alipay


@pytest.fixture
def provider(one_provider: Provider) -> Provider:
    one_provider.calls.clear()
    one_provider.answers.clear()
    return one_provider


@pytest.fixture
async def house(open_house: OpenHouse, provider: Provider) -> House:
    """The service of `provider`'s account, which answers its calls."""
    house = await open_house(houses.account_of(provider))
    house.answer_with(provider.handle)
    return house


@pytest.fixture
async def alipay_house(open_house: OpenHouse, provider: Provider, alipay: AlipayPeer) -> House:
    """The service of both accounts, whose calls `alipay` answers."""
    house = await open_house(houses.account_of(provider))
    house.answer_with(alipay.handle)
    return house


async def _create(postgres: EmbeddedPostgres, name: str, template: str) -> None:
    await _admin(postgres, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY wal_log")


async def _admin(postgres: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(postgres.dsn())
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
