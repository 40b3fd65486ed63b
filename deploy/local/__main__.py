"""The one-command launcher: `python -m deploy.local demo|serve`."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

import uvloop

from deploy.local.demo import Wish, demo
from deploy.local.serve import serve
from shared import logs


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("demo", help="orders through the whole corridor, with partners that misbehave")
    one.add_argument("--orders", type=int, default=200)
    one.add_argument("--share", type=float, default=0.3, help="of the orders misbehave (0 to 1)")
    one.add_argument("--only", action="append", default=[], metavar="KIND", help="every order misbehaves in this way")
    one.add_argument("--seed", type=int, default=1)
    one.add_argument("--rate", type=float, default=8.0, help="orders per second; 0: all at once")
    one.add_argument("--exit", action="store_true", help="end after the summary instead of leaving the tower up")
    one.add_argument("--report", type=Path, default=None, help="write the summary as JSON")
    other = commands.add_parser("serve", help="the services, without traffic")
    other.add_argument("--world", default="http://127.0.0.1:9100", help="where the partners are")
    for each, port in ((one, 0), (other, 8080)):
        each.add_argument("--port", type=int, default=port)
        each.add_argument("--data", type=Path, default=None, help="folder to keep everything in")
    given = parser.parse_args()
    logs.configure(level=logging.CRITICAL if given.command == "demo" else logging.WARNING)
    folder = given.data or (
        Path(tempfile.mkdtemp(prefix="corridor-")) if given.command == "demo" else Path(".corridor")
    )
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if given.command == "serve":
        return uvloop.run(serve(folder.absolute(), given.port, given.world))
    wish = Wish(
        given.orders, given.share, given.seed, folder.absolute(), given.port, not given.exit, given.report,
        given.rate or None, tuple(given.only),
    )
    return uvloop.run(demo(wish))


if __name__ == "__main__":
    sys.exit(main())
