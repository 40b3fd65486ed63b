"""One process per service on this machine. They are forked from one process that has imported everything once.

Six interpreters that import for themselves cost two cores about five seconds before the first of them listens; forked,
they are there at once and share the memory of their modules. Each still runs its own `python -m services.<name>`.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Final

_FORKS: Final = multiprocessing.get_context("forkserver")


def prepare(services: Sequence[str]) -> None:
    """Begin to import, beside whatever the caller does meanwhile: the first child, which does nothing, starts it."""
    _FORKS.set_forkserver_preload(["shared.main", *(f"services.{name}.app" for name in services)])
    _FORKS.Process(target=os.getpid, daemon=True).start()


def start(name: str, environment: Mapping[str, str], log: Path) -> ForkServerProcess:
    child = _FORKS.Process(target=_run, args=(name, dict(environment), log), name=name, daemon=True)
    child.start()
    return child


def _run(name: str, environment: Mapping[str, str], log: Path) -> None:
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.environ.update(environment)
    sys.argv = [f"services.{name}"]
    runpy.run_module(f"services.{name}", run_name="__main__", alter_sys=True)
