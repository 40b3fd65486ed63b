"""A catalog on a fresh database, with the profile's shop and a shelf that the test fills."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from services.catalog.app import build
from services.catalog.settings import CatalogSettings
from shared.clock import FrozenClock
from shared.db.embedded import EmbeddedPostgres
from tests.catalog.shelf import NOW
from tests.support.service import Running, running


@pytest.fixture
async def catalog(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Running]:
    async with running(postgres, tmp_path, "catalog", build, CatalogSettings, FrozenClock(NOW)) as catalog:
        yield catalog
