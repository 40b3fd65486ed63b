"""What every test may ask for: one real PostgreSQL for the whole run. Databases in it are each suite's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from shared.db.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres.start(tmp_path_factory.mktemp("postgres") / "cluster") as running:
        yield running
