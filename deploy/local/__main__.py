"""The one-command launcher: `python -m deploy.local demo|serve`."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
from collections.abc import Coroutine
from pathlib import Path

import uvloop

from deploy.local.demo import Wish, demo
from deploy.local.serve import serve
from deploy.world.plan import KINDS
from shared import logs
from shared.errors import Failure


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("demo", help="orders through the whole corridor, with partners that misbehave")
    one.add_argument("--orders", type=positive, default=200, help="how many (%(default)s)")
    one.add_argument("--share", type=share, default=0.3, help="of the orders misbehave, 0 to 1 (%(default)s)")
    one.add_argument(
        "--only", action="append", default=[], choices=sorted(KINDS), metavar="KIND",
        help=f"every order misbehaves in this way: {', '.join(sorted(KINDS))}",
    )  # fmt: skip
    one.add_argument("--seed", type=int, default=1, help="of who does what (%(default)s)")
    one.add_argument("--rate", type=float, default=8.0, help="orders per second (%(default)s); 0: all at once")
    one.add_argument("--exit", action="store_true", help="end after the summary instead of leaving the tower up")
    one.add_argument("--report", type=Path, default=None, help="write the summary as JSON")
    other = commands.add_parser("serve", help="the services, without traffic")
    other.add_argument("--world", default="http://127.0.0.1:9100", help="where the partners are")
    for each, port in ((one, 0), (other, 8080)):
        each.add_argument("--port", type=port_number, default=port)
        each.add_argument("--data", type=Path, default=None, help="folder to keep everything in")
    given = parser.parse_args()
    logs.configure(level=logging.CRITICAL if given.command == "demo" else logging.WARNING)
    throw_away = given.data is None and given.command == "demo"
    folder = (given.data or Path(tempfile.mkdtemp(prefix="corridor-") if throw_away else ".corridor")).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return uvloop.run(_serve(given, folder) if given.command == "serve" else _demo(given, folder))
    except (Failure, OSError, RuntimeError) as error:
        # What a person at a terminal needs: the reason, not our stack.
        fix = getattr(error, "fix", "")
        print(f"corridor: {error}" + (f" ({fix})" if fix and fix not in str(error) else ""), file=sys.stderr)
        return 2
    finally:
        if throw_away:
            shutil.rmtree(folder, ignore_errors=True)


def _serve(given: argparse.Namespace, folder: Path) -> Coroutine[None, None, int]:
    return serve(folder, given.port, given.world)


def _demo(given: argparse.Namespace, folder: Path) -> Coroutine[None, None, int]:
    wish = Wish(
        given.orders, given.share, given.seed, folder, given.port, not given.exit, given.report, given.rate or None,
        tuple(given.only),
    )  # fmt: skip
    return demo(wish)


def positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text} orders: at least one")
    return number


def share(text: str) -> float:
    if not 0 <= (part := float(text)) <= 1:
        raise argparse.ArgumentTypeError(f"{text} is no share from 0 to 1")
    return part


def port_number(text: str) -> int:
    number = int(text)
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError(f"{text} is no port")
    return number


if __name__ == "__main__":
    sys.exit(main())
