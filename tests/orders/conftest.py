"""Orders on a fresh database, with no shop connected yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.db.embedded import EmbeddedPostgres
from tests.orders.shopfront import Shopfront, open_shop


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
