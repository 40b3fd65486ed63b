"""From results of tests to verdicts on cases: a case passes when every test that judges it passes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.vectors_run.families import WHOLE, Family


class Tally:
    """A pytest plugin. `held`: the cases of the folder; `tests`: who judges them in this run."""

    def __init__(self, held: Mapping[Family, Sequence[str]], tests: Mapping[Family, Sequence[str]]) -> None:
        self.held, self.tests = held, tests
        self._of: dict[str, tuple[Family, str]] = {}
        self._judged: defaultdict[Family, dict[str, str]] = defaultdict(dict)
        self._unread: dict[str, str] = {}

    def passed(self, family: Family) -> list[str]:
        return [case for case, why in self._verdicts(family).items() if not why]

    def failed(self, family: Family) -> dict[str, str]:
        return {case: why for case, why in self._verdicts(family).items() if why}

    def idle(self, family: Family) -> list[str]:
        """Cases of the folder that no test took up."""
        return [case for case in self.held[family] if case not in self._verdicts(family)]

    def _verdicts(self, family: Family) -> Mapping[str, str]:
        """Case → why it failed, "" for passed. What a test file refused to read are failed cases, not missing ones."""
        judged = self._judged[family]
        suites = [test.split("::")[0] for test in self.tests.get(family, ())]
        unread = next((self._unread[suite] for suite in suites if suite in self._unread), "")
        return {case: unread for case in self.held[family] if unread and case not in judged} | judged

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Judges only: a test about our own folder (how many cases it holds) says nothing about another."""
        judges = {test for chosen in self.tests.values() for test in chosen}
        wanted = [item for item in items if item.nodeid.split("[")[0] in judges and not _empty(item)]
        for item in wanted:
            self._of[item.nodeid] = self._place(item)
        items[:] = wanted

    def _place(self, item: pytest.Item) -> tuple[Family, str]:
        test, case = item.nodeid.split("[")[0], case_of(item)
        families = [family for family, chosen in self.tests.items() if test in chosen]
        return next((family for family in families if case in self.held[family]), families[0]), case

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        family, case = self._of[report.nodeid]
        before = self._judged[family].get(case, "")
        if report.failed or report.skipped:
            self._judged[family][case] = before or f"{report.when} of {report.nodeid.split('::')[1]}: {reason(report)}"
        elif report.when == "call":
            self._judged[family][case] = before

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._unread[report.nodeid] = reason(report)


def case_of(item: pytest.Item) -> str:
    """The case's own name, as the lister of its family gives it."""
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return WHOLE[item.nodeid]
    given = item.callspec.params.get("case", item.callspec.params.get("path"))
    if isinstance(given, Path):
        return given.stem if given.suffix == ".json" else f"{given.parent.name}/{given.name}"
    if isinstance(given, dict):
        return str(given.get("id") or given.get("case") or given.get("value"))
    return str(getattr(given, "id", item.callspec.id))


def _empty(item: pytest.Item) -> bool:
    """What pytest makes of a list without cases."""
    return any("empty parameter set" in str(mark.kwargs.get("reason")) for mark in item.iter_markers("skip"))


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """The last line that says something, short."""
    lines = [line.removeprefix("E").strip() for line in report.longreprtext.splitlines() if line.startswith("E")]
    return (lines[-1] if len(lines) == 1 else lines[0] if lines else report.longreprtext.strip()[-120:])[:160]
