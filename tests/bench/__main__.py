"""`make bench`: every figure beside its floor of the same run. `--only NAME` one group, `--quick` small counts."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

import uvloop

from shared import logs
from tests.bench.figures import GROUPS, Bench, Size


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", action="append", default=[], choices=sorted(GROUPS), help="this group of figures")
    parser.add_argument("--quick", action="store_true", help="small counts: does it run, not what it costs")
    parser.add_argument("--report", type=Path, default=None, help="write the figures as JSON")
    given = parser.parse_args()
    logs.configure(level=logging.CRITICAL)
    bench = Bench(Size.quick() if given.quick else Size())
    uvloop.run(bench.run(given.only or list(GROUPS)))
    if given.report is not None:
        bench.write(given.report)
    missed = [figure.name for figure in bench.figures if figure.met is False]
    print(f"\n{len(bench.figures)} figures; bounds missed: {', '.join(missed) or 'none'}")
    return 0  # a later issue enforces the bounds; here they are said


if __name__ == "__main__":
    sys.exit(main())
