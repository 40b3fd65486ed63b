"""Orders on a fresh database, with no shop connected yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from shared.db.embedded import EmbeddedPostgres
from tests.orders.shopfront import Shopfront, open_shop


@pytest.fixture(autouse=True)
def plain_tracebacks() -> Iterator[None]:
    """As the service itself prints them. The default paints every local variable of a traceback: that took seconds, in
    which no connection was answered."""
    before = structlog.get_config()
    structlog.configure(processors=[structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)])
    yield
    structlog.configure(**before)


@pytest.fixture
async def shop(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Shopfront]:
    """The sample's shop is connected."""
    async with open_shop(postgres, tmp_path) as front:
        await front.connect()
        yield front


@pytest.fixture(scope="module")
async def busy_shop(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shopfront]:
    """One for all tests of a file that leave nothing behind but receipts of their own."""
    async with open_shop(postgres, tmp_path_factory.mktemp("shop")) as front:
        await front.connect()
        yield front
