"""Declarations of the services, built and signed by the services' own modules with the test keys."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from services.customs.documents import InventoryDocument, Kind, OrderDocument, Transfer
from services.customs.providers.ceb import dxp, wire
from services.customs.providers.ceb.parser import parse
from services.customs.providers.ceb.signature import RsaSha1Signer
from tests.world import samples

NOW = datetime(2025, 12, 1, tzinfo=UTC)


def guid() -> str:
    return str(uuid4()).upper()


def good(name: str) -> Any:
    """A document of the bonded sample, parsed by the services."""
    return wire.read(parse(samples.read(f"customs/good/B-bonded-1210/{name}.xml"))).documents[0]


def order(**more: Any) -> OrderDocument:
    document: OrderDocument = good("311-order")
    return replace(document, guid=guid(), **more)


def inventory(**more: Any) -> InventoryDocument:
    document: InventoryDocument = good("621-inventory")
    return replace(document, guid=guid(), **more)


def signer(secrets: Path) -> RsaSha1Signer:
    folder = secrets / "customs"
    return RsaSha1Signer.load(
        (folder / "enterprise.key.pem").read_bytes(), (folder / "enterprise.cert.pem").read_bytes()
    )


def message(document: Any, secrets: Path) -> bytes:
    transfer = Transfer(cop_code="9999A60001", cop_name="双城走廊跨境电商平台（测试）", dxp_id="DXPENT0000999999")
    return wire.build(document, transfer, signer(secrets))


def envelope(data: bytes, kind: Kind, secrets: Path, **more: Any) -> bytes:
    values = {
        "cop_msg_id": guid(),
        "sender_id": "DXPENT0000999999",
        "receiver_ids": ("DXPEDCCEB0000002",),
        "created_at": NOW,
        "message_type": wire.message_name(kind),
        "data": data,
    }
    return dxp.build(dxp.Envelope(**{**values, **more}), signer(secrets))


async def quiet() -> None:
    """Receipts leave by tasks that then knock at a closed door for ever; the books have them before that."""
    for _ in range(20):
        await asyncio.sleep(0.005)


def direct(name: str, **more: Any) -> Any:
    """A document of the direct-mail sample."""
    document = wire.read(parse(samples.read(f"customs/good/A-direct-9610/{name}.xml"))).documents[0]
    return replace(document, guid=guid(), **more)


def against(case: Any, name: str = "623-cancel", **more: Any) -> Any:
    """A cancellation or return (a document of the direct-mail sample) of the inventory in customs' file."""
    head = case.document.head
    same = {
        "customs_code": head["customsCode"],
        "order_no": head["orderNo"],
        "logistics_no": head["logisticsNo"],
        "invt_no": case.invt_no,
    }
    return direct(name, **{**same, **more})
