"""`make vectors`: every case of a folder on the pure modules and, inbound, through the services' doors.

`--dir FOLDER` takes another folder of the same formats (sub-folders, keys and schemas beside the cases); `--pure`
leaves the doors out and so needs no database. The tests that judge the cases in `make test` judge them here; no case
is named. A family that the folder does not hold is left out, a case that no test takes up is told as not covered.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.vectors_run.families import FAMILIES, Family, uncovered
from tests.vectors_run.tally import Tally

ROOT: Final = Path(__file__).resolve().parents[2]
# The project's own options ask for a report that this runner writes itself.
QUIET: Final = ("-o", "addopts=", "--import-mode=importlib", "-p", "no:terminal", "-p", "no:cacheprovider")


def judge(folder: Path, *, doors: bool) -> Tally:
    os.environ["CORRIDOR_VECTORS"] = str(folder)
    os.chdir(ROOT)
    held = {family: tuple(family.cases(folder)) for family in FAMILIES}
    tests = {family: family.tests + (family.doors if doors else ()) for family, cases in held.items() if cases}
    tally = Tally(held, tests)
    suites = sorted({test.split("::")[0] for chosen in tests.values() for test in chosen})
    if suites:
        pytest.main([*QUIET, "--continue-on-collection-errors", *suites], [tally])
    return tally


def table(held: Mapping[Family, Sequence[str]], tally: Tally) -> None:
    print(f"{'family':<30} {'cases':>6} {'passed':>7} {'failed':>7}")
    for family, cases in held.items():
        if cases:
            passed, failed = len(tally.passed(family)), len(tally.failed(family))
            print(f"{family.name:<30} {len(cases):>6} {passed:>7} {failed:>7}")
    for family in held:
        for case, why in tally.failed(family).items():
            print(f"  failed: {family.name} {case}: {why}")
    for family in held:
        if idle := tally.idle(family):
            print(f"not covered yet: {family.name} {', '.join(idle)}")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make vectors", description=__doc__)
    parser.add_argument("--dir", type=Path, default=ROOT / "tests" / "vectors", help="default: tests/vectors")
    parser.add_argument("--pure", action="store_true", help="without the doors, so without a database")
    given = parser.parse_args()
    folder = given.dir.absolute()
    tally = judge(folder, doors=not given.pure)
    table(tally.held, tally)
    if missing := uncovered(folder):
        print(f"not covered yet: {', '.join(missing)}")
    passed = sum(len(tally.passed(family)) for family in FAMILIES)
    failed = sum(len(tally.failed(family)) for family in FAMILIES)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
