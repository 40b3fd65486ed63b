"""`make vectors`: every signed sample of a folder against the pure modules and, inbound, through the services' doors.

`--dir FOLDER` takes another folder of the same formats (sub-folders, keys and schemas beside the cases). The cases are
read by the suites that run them in `make test`; nothing is listed here by name.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
# Which suites run which family, pure and through the door.
SUITES: Final = {
    "marketplaces/shopify": ("tests/orders/providers/test_shopify_vectors.py", "tests/orders/test_door_vectors.py"),
    "payments/wechat": ("tests/payments/test_wechat_vectors.py", "tests/payments/test_door_vectors.py"),
    "corridor/ledger": ("tests/payments/test_ledger_vectors.py",),
    "logistics/cainiao": ("tests/logistics/providers/test_cainiao_vectors.py", "tests/logistics/test_door_vectors.py"),
    "logistics/rules": ("tests/logistics/test_rules_vectors.py",),
    "customs": tuple(sorted(str(p.relative_to(ROOT)) for p in (ROOT / "tests/customs").glob("test_vectors_*.py"))),
}


class Tally:
    """Counts test calls per family; a failure while setting up counts as one, a skip is no pass."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.broken: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        family = next(name for name, suites in SUITES.items() if report.nodeid.split("::")[0] in suites)
        if report.when == "call" and report.passed:
            self.passed[family] += 1
        elif report.failed or report.skipped:
            self.failed[family] += 1
            self.broken.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed["unreadable"] += 1
            self.broken.append(report.nodeid)


def uncovered(folder: Path) -> list[str]:
    """Families in the folder whose partners this state of the project does not speak to yet."""
    covered = {"shopify", "cainiao", "mappings", "identifiers", "sla", "journey", "calculations"}
    partners = [path for area in ("marketplaces", "logistics") for path in sorted((folder / area).glob("*/"))]
    return [f"{path.parent.name}/{path.name}" for path in partners if path.name not in covered]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make vectors", description=__doc__)
    parser.add_argument("--dir", type=Path, default=ROOT / "tests" / "vectors")
    folder = parser.parse_args().dir.absolute()
    os.environ["CORRIDOR_VECTORS"] = str(folder)
    os.chdir(ROOT)
    tally = Tally()
    quiet = ["-q", "--no-header", "--no-summary", "-p", "no:warnings", "-p", "no:cacheprovider"]
    pytest.main([*quiet, *_files()], [tally])
    for family in [*SUITES, "unreadable"]:
        passed, failed = tally.passed[family], tally.failed[family]
        if passed or failed:
            print(f"{family:<24} cases {passed + failed:>4}   passed {passed:>4}   failed {failed:>3}")
    for node in tally.broken[:50]:
        print(f"  failed: {node}")
    if missing := uncovered(folder):
        print(f"not covered yet: {', '.join(missing)}")
    print(f"{tally.passed.total()} passed, {tally.failed.total()} failed")
    return 1 if tally.failed.total() or not tally.passed.total() else 0


def _files() -> list[str]:
    return [suite for suites in SUITES.values() for suite in suites]


if __name__ == "__main__":
    sys.exit(main())
