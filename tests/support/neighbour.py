"""Another service as the tower meets it: over HTTP, answering by path, and remembering how it was asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response

from tests.support.served import served
from tests.support.tales import NOON, Tale


@dataclass
class Neighbour:
    """A service of another process as HTTP shows it: what it answers by path, and how it was asked."""

    url: str
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    seconds: float = 0


@pytest.fixture
async def beside() -> AsyncIterator[Neighbour]:
    app, here = FastAPI(), Neighbour("")

    @app.get("/{path:path}")
    async def answer(path: str, request: Request) -> Response:
        here.asked.append((f"/{path}", request.headers.get("authorization", "")))
        await asyncio.sleep(here.seconds)
        found = here.answers.get(f"/{path}")
        if isinstance(found, Response):
            return found
        return Response(status_code=404) if found is None else Response(_json(found), media_type="application/json")

    async with served(app) as here.url:
        yield here


def _json(value: object) -> bytes:
    return json.dumps(value, default=str).encode()


def money(tale: Tale) -> dict[str, Any]:
    """As payments answers GET /v1/payments/{order_id}: the charge, the provider's fee, and a question that fails."""
    fee, clearing = {"currency": "CNY", "what": "fee"}, "clearing/wechat"
    lines = [
        {"account": clearing, "currency": "CNY", "minor": 12900, "what": "money"},
        {"account": f"escrow/{tale.order}", "currency": "CNY", "minor": -12900, "what": "money"},
        {"account": f"costs/{tale.order}", "minor": 77, **fee},
        {"account": clearing, "minor": -77, **fee},
    ]
    journal = {"journal": f"{tale.order}/captured-{tale.transaction}", "booked_at": NOON.isoformat(), "lines": lines}
    call = {"kind": "declare-payment", "tries": 4, "last_error": "wechat.unreachable", "next_try_at": NOON.isoformat()}
    waiting = {"kind": "query-attempt", "tries": 0, "last_error": None, "next_try_at": NOON.isoformat()}
    return {
        "order_id": tale.order, "journals": [journal], "calls": [call, waiting],
        "cases": [{"number": 1, "what": "audit", "detail": "look here", "at": NOON.isoformat()}],
    }  # fmt: skip


def declaration(tale: Tale, paid: str = "129.00") -> dict[str, Any]:
    """As customs answers GET /v1/declarations/{order_id}: documents side by side, judged by its own match."""
    nothing = {"payment": None, "waybill": None, "inventory": None, "agrees": None, "line": None}
    rows = [
        {
            "rule": "R01",
            "field": "order_no",
            "order": "A1",
            **nothing,
            "payment": "A1",
            "inventory": "A1",
            "agrees": True,
        },
        {
            "rule": "R02",
            "field": "actual_paid",
            "order": "129.00",
            **nothing,
            "payment": paid,
            "agrees": paid == "129.00",
        },
        {"rule": "R05", "field": "buyer", "order": "王**", **nothing, "payment": "王**", "agrees": True},
        {"rule": "R19", "field": "bill_no", "order": None, **nothing},
        {
            "rule": "R13",
            "field": "goods_name",
            "order": "咖啡",
            **nothing,
            "inventory": "咖啡",
            "agrees": True,
            "line": 1,
        },
        {"rule": "R99", "field": "quite_new", "order": "x", **nothing},
    ]
    return {"order_id": tale.order, "cases": [], "documents": {"version": 1, "rows": rows, "disagree": 0}}
