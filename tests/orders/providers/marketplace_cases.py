"""Marketplace cases as the vectors folder holds them: read whatever is there, in the folder's own words.

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

from services.orders.providers.base import ShopConnection
from shared.http.signatures import Secret, standard_secret

VECTORS = Path(os.environ.get("CORRIDOR_VECTORS", Path(__file__).parents[2] / "vectors"))


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request, byte for byte, with the answer and the messages it must lead to."""

    n: int
    now: datetime
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    expect: dict[str, Any]
    fetch: tuple[dict[str, Any], ...] = ()
    """What the order API would answer at that moment."""

    def fetched(self, api: str) -> dict[str, dict[str, Any]]:
        """The answer of one call of the order API, by the order that is asked for."""
        return {entry["params"]["orderId"]: entry["response"] for entry in self.fetch if entry["api"] == api}


@dataclass(frozen=True, slots=True)
class Case:
    """`expect_order` is the canonical order after the last delivery; None when nothing may be stored."""

    id: str
    marketplace: str
    title: str
    config: dict[str, Any]
    deliveries: tuple[Delivery, ...]
    expect_order: dict[str, Any] | None
    raw: dict[str, Any] = field(repr=False)

    @property
    def expect_orders(self) -> list[dict[str, Any]]:
        """All orders that must be there in the end."""
        told: Any = self.raw.get("expect_order")
        if told is None:
            return []
        return list(told) if isinstance(told, list) else [told]

    @property
    def shop_id(self) -> str:
        return str(self.config["shop_id"])

    def shopify_connection(self, connection: str = "case") -> ShopConnection:
        """What must be configured before the first delivery."""
        return ShopConnection(connection, self.shop_id, (Secret.of_text("current", self.config["client_secret"]),))

    def standard_connection(self, connection: str = "case") -> ShopConnection:
        """The secret in use; to the cases the other one is nobody's."""
        return ShopConnection(connection, self.shop_id, (standard_secret("current", self.config["secret"]),))

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [d["request"] for d in self.raw.get("deliveries", ()) if d["transport"] == "request"]

    @property
    def app_secrets(self) -> tuple[Secret, ...]:
        return (Secret.of_text("current", self.config["app_secret"]),)


def cases(marketplace: str) -> list[Case]:
    """Every case of one marketplace whose deliveries are HTTP pushes, by file name."""
    return [case for case in _all(marketplace) if case.deliveries]


def request_cases(marketplace: str) -> list[Case]:
    """Those that only show how a call of ours is signed."""
    return [case for case in _all(marketplace) if case.requests]


def _all(marketplace: str) -> list[Case]:
    return [_case(path) for path in sorted((VECTORS / "marketplaces" / marketplace).glob("*.json"))]


def _case(path: Path) -> Case:
    raw = json.loads(path.read_text("utf-8"))
    pushes = [d for d in raw.get("deliveries", ()) if d["transport"] == "http"]
    return Case(
        id=raw.get("id", path.stem),
        marketplace=raw.get("marketplace", path.parent.name),
        title=raw.get("title", ""),
        config=raw.get("config", {}),
        deliveries=tuple(_delivery(push) for push in pushes),
        expect_order=raw.get("expect_order"),
        raw=raw,
    )


def _delivery(raw: dict[str, Any]) -> Delivery:
    return Delivery(
        n=raw["n"],
        now=datetime.fromisoformat(raw["received_at"]),
        method=raw["method"],
        path=raw["path"],
        query=raw["query"],
        headers=raw["headers"],
        body=raw["body"].encode(),
        expect=raw["expect"],
        fetch=tuple(raw.get("fetch", ())),
    )
