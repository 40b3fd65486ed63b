"""Folders and one server for the tests of the embedded PostgreSQL."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.db.embedded import EmbeddedPostgres
from tests.support.embedded import start


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that every account may enter; pytest's own are closed, which is the harder case and so the usual one."""
    folder = Path(tempfile.mkdtemp(prefix="corridor-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, open_folder: Path) -> Iterator[EmbeddedPostgres]:
    with start(tmp_path_factory.mktemp("cluster") / "pg", open_folder) as running:
        yield running
