"""Metrics are declared once, and what runs reports them under exactly those names."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, Metric, NumberDataPoint

from services.catalog.app import build
from services.catalog.commands import ProductRevised
from services.catalog.settings import CatalogSettings
from shared.broker.embedded import EmbeddedBroker
from shared.db.embedded import EmbeddedPostgres
from shared.db.engine import Database
from shared.db.migrate import ROOT
from shared.events.topics import consumed_by, specs
from shared.flow import consume
from shared.service import Resources, Service
from shared.telemetry import BORDERS, METRICS, Telemetry
from tests.catalog.shelf import COFFEE, product
from tests.support.service import fresh

CALLS = {"count", "observe", "measure"}


def metered() -> tuple[Telemetry, InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    return Telemetry("test", meter=MeterProvider([reader]).get_meter("corridor")), reader


def told(reader: InMemoryMetricReader) -> dict[str, Metric]:
    data = reader.get_metrics_data()
    return {m.name: m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics} if data else {}


def points(metric: Metric) -> list[tuple[dict[str, Any], float]]:
    """Attributes and value of each series; of a histogram how often."""
    found = []
    for point in metric.data.data_points:
        assert isinstance(point, NumberDataPoint | HistogramDataPoint)
        value = point.count if isinstance(point, HistogramDataPoint) else point.value
        found.append((dict(point.attributes or {}), float(value)))
    return found


def used() -> Iterator[str]:
    """Every metric that some line of ours names."""
    for path in (*(ROOT / "shared").rglob("*.py"), *(ROOT / "services").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in CALLS
                and "telemetry" in ast.unparse(node.func.value)
                and isinstance(node.args[0], ast.Constant)
            ):
                yield str(node.args[0].value)


def test_every_metric_that_is_named_is_declared_and_every_declared_one_is_named() -> None:
    assert set(used()) == set(METRICS)


def test_nothing_is_measured_where_nobody_looks() -> None:
    silent = Telemetry("test")

    silent.count("corridor.receipts")
    silent.observe("corridor.intake.duration", 0.1)
    silent.measure("corridor.consumer.lag", 1)

    assert (silent._counters, silent._histograms, silent._gauges) == ({}, {}, {})


def test_an_undeclared_metric_is_a_bug() -> None:
    telemetry, _ = metered()

    with pytest.raises(KeyError):
        telemetry.count("corridor.misspelt")


def test_units_and_borders_are_the_declared_ones() -> None:
    telemetry, reader = metered()
    telemetry.observe("corridor.intake.duration", 0.004)
    telemetry.count("corridor.receipts", 3)
    telemetry.measure("corridor.consumer.lag", 7, topic="t")

    seen = told(reader)

    assert {name: (metric.unit, metric.description) for name, metric in seen.items()} == {
        name: METRICS[name] for name in ("corridor.intake.duration", "corridor.receipts", "corridor.consumer.lag")
    }
    [point] = seen["corridor.intake.duration"].data.data_points
    assert isinstance(point, HistogramDataPoint)
    assert tuple(point.explicit_bounds) == BORDERS
    assert point.bucket_counts[BORDERS.index(0.005)] == 1


@pytest.fixture
async def catalog(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[tuple[Service, InMemoryMetricReader]]:
    """A catalog with all its roles on a log of its own, with its meter on."""
    telemetry, reader = metered()
    # Any database will do for the log: it makes its tables in it.
    async with fresh(postgres, "orders") as log, fresh(postgres, "catalog") as dsn:
        broker = EmbeddedBroker(Database(log, "log"))
        await broker.ensure(specs())
        settings = CatalogSettings.model_validate({"secrets": tmp_path, "dsn": dsn})
        service = build(replace(Resources.open("catalog", settings, broker), telemetry=telemetry), settings)
        service.start()
        yield service, reader
        await service.stop()
        await broker.close()


async def test_what_runs_reports_receipts_durations_and_how_far_behind_it_is(
    catalog: tuple[Service, InMemoryMetricReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consume, "LAG_SECONDS", 0.0)
    service, reader = catalog

    reply = await service.reception.command("api.product", "1", ProductRevised(product(COFFEE)), b"")

    seen: dict[str, Metric] = {}
    async with asyncio.timeout(10):
        while not {"messaging.client.sent.messages", "corridor.consumer.lag"} <= seen.keys():
            await asyncio.sleep(0.05)
            seen |= told(reader)
    assert reply.status == 201
    assert points(seen["corridor.receipts"]) == [({}, 1.0)]
    assert points(seen["corridor.intake.duration"]) == [({}, 1.0)]
    assert points(seen["messaging.client.sent.messages"]) == [({}, 1.0)]
    assert points(seen["corridor.consumer.lag"]) == [({"topic": topic}, 0.0) for topic in consumed_by("catalog")]


def test_a_collector_that_is_away_holds_no_process_up() -> None:
    program = (
        "from shared.telemetry import Telemetry\n"
        "for each in [Telemetry.exporting('orders', 'http://127.0.0.1:9', 1.0) for _ in range(6)]:\n"
        "    each.count('corridor.receipts')\n"
        "    each.tracer.start_span('step').end()\n"
        "    each.close()\n"
    )

    subprocess.run([sys.executable, "-c", program], check=True, timeout=20, capture_output=True)
