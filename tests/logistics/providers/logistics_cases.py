"""Logistics cases as the vectors folder holds them: read whatever is there, in the folder's own words.

Two tests drive them: one on the pure modules, one through the service's HTTP door. `CORRIDOR_VECTORS` names another
folder than tests/vectors.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.http.signatures import Secret

VECTORS = Path(os.environ.get("CORRIDOR_VECTORS", Path(__file__).parents[2] / "vectors")) / "logistics"


@dataclass(frozen=True, slots=True)
class Step:
    """One request, byte for byte, with the answer, the events and the state that it must lead to."""

    label: str
    now: datetime
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    expect: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """`shipments` are known before the first step; state is carried from step to step."""

    id: str
    title: str
    secret: dict[str, Any]
    shipments: tuple[dict[str, Any], ...]
    steps: tuple[Step, ...]
    raw: dict[str, Any] = field(repr=False)

    def link_secret(self) -> Secret:
        return Secret.of_text("current", self.secret["value"])


def cases(provider: str) -> list[Case]:
    """Every request case of one provider, by file name."""
    return [_case(path) for path in sorted((VECTORS / provider).glob("*.json"))]


def table(name: str) -> Any:
    """One whole file, for instance mappings/cainiao."""
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


def _case(path: Path) -> Case:
    raw = json.loads(path.read_text("utf-8"))
    return Case(
        id=raw["id"],
        title=raw["title"],
        secret=raw.get("secret", {}),
        shipments=tuple(raw.get("context", {}).get("shipments", ())),
        steps=tuple(_step(step) for step in raw.get("steps", ())),
        raw=raw,
    )


def _step(raw: dict[str, Any]) -> Step:
    request = raw.get("request", {})
    return Step(
        label=raw.get("label", ""),
        now=datetime.fromisoformat(raw["received_at"]),
        method=request.get("method", ""),
        path=request.get("path", ""),
        headers=request.get("headers", {}),
        body=request.get("body", "").encode(),
        expect=raw["expect"],
    )
