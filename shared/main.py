"""`python -m services.<name>`: one service, or some of its roles, in a process of its own."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TypeVar

import uvloop

from shared import logs
from shared.host import Host, broker_of
from shared.service import ROLES, Resources, RoleName, Service
from shared.settings import Settings

S = TypeVar("S", bound=Settings)


def main(
    name: str, kind: type[S], build: Callable[[Resources, S], Service], arguments: Sequence[str] | None = None
) -> None:
    """Settings come from `CORRIDOR_*`; `--role` may be given several times, all roles without it."""
    parser = argparse.ArgumentParser(prog=f"python -m services.{name}")
    parser.add_argument("--role", action="append", choices=ROLES, dest="roles")
    roles: list[RoleName] = parser.parse_args(arguments).roles or list(ROLES)
    logs.configure()
    uvloop.run(_run(name, kind(), build, roles))


async def _run(name: str, settings: S, build: Callable[[Resources, S], Service], roles: Sequence[RoleName]) -> None:
    broker = broker_of(settings)
    host = Host([build(Resources.open(name, settings, broker), settings)], broker, roles)
    await host.prepare()
    await host.run(settings.host, settings.port)
