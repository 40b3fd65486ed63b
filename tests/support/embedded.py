"""Helpers of the suites that start embedded PostgreSQL servers themselves."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from shared.db.embedded import EmbeddedPostgres


def start(folder: Path, open_folder: Path, **settings: str) -> EmbeddedPostgres:
    return EmbeddedPostgres.start(folder, settings=settings, binaries_cache=open_folder / "binaries")


async def ask(dsn: str, *statements: str) -> Any:
    """The last statement's first value."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        answers = [await connection.fetchval(statement) for statement in statements]
    finally:
        await connection.close()
    return answers[-1]


def gone(pid: int, within: float = 10.0) -> bool:
    deadline = time.monotonic() + within
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
