"""One process per service, a real Kafka: the same orders, the same endings."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from deploy.local.demo import Wish, demo
from shared.errors import BadInput


def wish(folder: Path) -> Wish:
    return Wish(
        orders=18, share=0.5, seed=3, folder=folder, port=0, stay=False, report=folder / "report.json", rate=8.0
    )


async def test_services_that_run_apart_finish_every_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER", "kafka")

    code = await demo(wish(tmp_path))

    report = json.loads((tmp_path / "report.json").read_text())
    assert (code, report["orders"]["open"], report["dead_letters"]) == (0, 0, 0), report
    assert report["invariants"] == dict.fromkeys(report["invariants"], 0)
    assert report["orders"]["completed"] >= 6
    assert report["orders"]["accepted"] == report["orders"]["acknowledged"]


def test_an_unknown_broker_is_refused_before_anything_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER", "rabbit")

    with pytest.raises(BadInput, match="rabbit"):
        asyncio.run(demo(wish(tmp_path)))

    assert list(tmp_path.iterdir()) == []
