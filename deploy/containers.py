"""What a set of containers needs once: `python -m deploy.containers prepare`, and `connect` when orders is up.

prepare: keys of both sides, tokens, the world's configuration, and a role with a database for each service.
connect: the development shops' connections, for which the orders' tables must be there.
tokens: tells the development tokens by role.
Both may run again: what is there is kept. Everything is of the development kind, which production refuses.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import Final

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from deploy.local.installation import SERVICES, Installation
from deploy.local.world import configuration
from deploy.world.keys import make_keys
from services.orders.settings import OrdersSettings
from shared.broker.embedded import EmbeddedBroker
from shared.db.engine import Database
from shared.db.migrate import provision
from shared.security.auth import development_tokens
from shared.security.vault import Keyring
from shared.service import Resources

KEYRINGS: Final = (*SERVICES, "facts")


class ContainerSettings(BaseSettings):
    """secrets: DIR/secrets, shared by all containers. The world's configuration lies beside it, as DIR/world.json.

    admin_dsn and database_password: of the server on which every service gets a database of its own, under one
    password: for development. orders_url, logistics_url, customs_url: where the world finds them.
    """

    model_config = SettingsConfigDict(env_prefix="CORRIDOR_", frozen=True, extra="ignore")

    secrets: Path
    admin_dsn: SecretStr
    database_password: SecretStr
    time_scale: float = 1.0
    world_seed: int = 1
    orders_url: str
    logistics_url: str
    customs_url: str


class ConnectSettings(OrdersSettings):
    """What orders itself is told, and where its shops are."""

    world_url: str


async def prepare(settings: ContainerSettings) -> None:
    make_keys(settings.secrets)
    tokens = development_tokens(settings.secrets)
    for name in KEYRINGS:
        Keyring.load(settings.secrets / f"{name}.keyring.json", production=False)
    admin, password = settings.admin_dsn.get_secret_value(), settings.database_password.get_secret_value()
    for name in SERVICES:
        await provision(admin, name, password)
    installation = Installation(settings.secrets.parent, {}, tokens)
    urls = {"orders": settings.orders_url, "logistics": settings.logistics_url, "customs": settings.customs_url}
    config = configuration(installation, urls, time_scale=settings.time_scale, seed=settings.world_seed)
    path = installation.folder / "world.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps(config))


async def connect(settings: ConnectSettings) -> None:
    dsn = settings.dsn.get_secret_value()
    resources = Resources.open("orders", settings, EmbeddedBroker(Database(dsn, "none")))
    try:
        installation = Installation(settings.secrets.parent, {}, development_tokens(settings.secrets))
        await installation.connect_shops(resources, settings.world_url)
    finally:
        await resources.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.containers")
    parser.add_argument("what", choices=("prepare", "connect", "tokens"))
    match parser.parse_args().what:
        case "prepare":
            asyncio.run(prepare(ContainerSettings()))
        case "connect":
            asyncio.run(connect(ConnectSettings()))
        case _:
            print(json.dumps(development_tokens(ContainerSettings().secrets), indent=1))


if __name__ == "__main__":
    main()
