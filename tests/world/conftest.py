"""One set of keys for the whole folder, and the world as an application that pushes into nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from deploy.world.app import World, create
from deploy.world.config import Config
from deploy.world.keys import Keys, load_keys, make_keys
from services.customs.documents import Kind
from tests.world import declarations
from tests.world.window import Declare

# Port 9 (discard) is closed on every machine that runs tests: pushes fail at once and stay in the books.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world") / "secrets"
    make_keys(folder)
    return folder


@pytest.fixture(scope="session")
def keys(secrets: Path) -> Keys:
    return load_keys(secrets)


@pytest.fixture
def config(secrets: Path) -> Config:
    return Config.of(
        {
            "base": NOWHERE,
            "secrets": str(secrets),
            "tokens": {"seller": "s", "operator": "o"},
            "time_scale": 1_000_000,
            "retry_scale": 1e9,
            "durations": {"packing": 200_000},
            "faults": {"server_error": 0, "lost": 0},
        }
    )


@pytest.fixture
async def app(config: Config, keys: Keys) -> AsyncIterator[FastAPI]:
    made = create(config, keys)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
def world(app: FastAPI) -> World:
    found: World = app.state.world
    return found


@pytest.fixture
async def doors(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client at the world's doors."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://world") as client:
        yield client


@pytest.fixture
def declare(doors: httpx.AsyncClient, world: World, secrets: Path) -> Declare:
    """Send a document, wait for everything that follows from it, return the platform's answer."""

    async def send(kind: Kind, document: Any) -> str:
        content = document if isinstance(document, bytes) else declarations.message(document, secrets)
        answer = await doors.post("/customs/dxp", content=declarations.envelope(content, kind, secrets))
        await declarations.quiet()
        return answer.text.split("<ResponseCode>")[1].split("<")[0]

    return send
