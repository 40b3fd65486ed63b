"""The bench runs and says what it promises; what its figures are worth is said in docs/benchmarks.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from shared.db.embedded import EmbeddedPostgres
from tests.bench.figures import GROUPS, Bench, Size
from tests.bench.meter import Figure


async def test_a_figure_says_value_floor_ratio_and_whether_its_bound_holds(
    postgres: EmbeddedPostgres, capsys: pytest.CaptureFixture[str]
) -> None:
    bench = Bench(Size.quick())
    bench.postgres = postgres

    await GROUPS["relay"](bench)

    (figure,) = bench.figures
    said = json.loads(json.dumps(figure.as_json()))
    assert set(said) == {"value", "unit", "bare", "ratio", "bound", "met", "note"}
    assert (figure.name, said["unit"], said["bound"]) == ("relay", "µs CPU", 2.0)
    assert said["value"] > 0
    assert said["bare"] > 0
    assert figure.ratio is not None
    assert said["met"] is (figure.ratio <= 2.0)
    assert capsys.readouterr().out.startswith("relay ")


@pytest.mark.parametrize(
    ("figure", "ratio", "met"),
    [
        (Figure("a", 90.0, "µs CPU", 50.0, 2.0), 1.8, True),
        (Figure("a", 110.0, "µs CPU", 50.0, 2.0), 2.2, False),
        (Figure("a", 900.0, "ms", None, 1000.0), None, True),
        (Figure("a", 1001.0, "ms", None, 1000.0), None, False),
        (Figure("a", 7.0, "ms"), None, None),
    ],
)
def test_a_bound_is_for_the_ratio_where_there_is_a_floor_and_else_for_the_value(
    figure: Figure, ratio: Any, met: Any
) -> None:
    assert (figure.as_json()["ratio"], figure.met) == (ratio, met)


async def test_the_report_has_one_object_per_figure(postgres: EmbeddedPostgres, tmp_path: Path) -> None:
    bench = Bench(Size.quick())
    bench.postgres = postgres
    await GROUPS["log"](bench)

    bench.write(tmp_path / "report.json")

    report = json.loads((tmp_path / "report.json").read_text())
    assert set(report) == {"embedded_log", "embedded_log_rate"}
    assert report["embedded_log_rate"]["unit"] == "records/s"
