"""Declarations of the services, built and signed by the services' own modules with the test keys."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from services.customs.documents import InventoryDocument, Kind, OrderDocument, Transfer
from services.customs.providers.ceb import dxp, wire
from services.customs.providers.ceb.signature import RsaSha1Signer, RsaSha1Verifier
from tests.world import samples

NOW = datetime(2025, 12, 1, tzinfo=UTC)


def guid() -> str:
    return str(uuid4()).upper()


def good(name: str) -> Any:  # noqa: ANN401
    """A document of the bonded sample, parsed by the services."""
    pinned = RsaSha1Verifier.pinned(samples.read("customs/test-signer.cert.pem"))
    return wire.parse_message(samples.read(f"customs/good/B-bonded-1210/{name}.xml"), [pinned], NOW).documents[0]


def order(**more: object) -> OrderDocument:
    return replace(good("311-order"), guid=guid(), **more)


def inventory(**more: object) -> InventoryDocument:
    return replace(good("621-inventory"), guid=guid(), **more)


def signer(secrets: Path) -> RsaSha1Signer:
    folder = secrets / "customs"
    return RsaSha1Signer.load((folder / "enterprise.key.pem").read_bytes(), (folder / "enterprise.cert.pem").read_bytes())


def message(document: Any, secrets: Path) -> bytes:  # noqa: ANN401
    transfer = Transfer(cop_code="9999A60001", cop_name="双城走廊跨境电商平台（测试）", dxp_id="DXPENT0000999999")
    return wire.build(document, transfer, signer(secrets))


def envelope(data: bytes, kind: Kind, secrets: Path, **more: Any) -> bytes:  # noqa: ANN401
    values = {
        "cop_msg_id": guid(), "sender_id": "DXPENT0000999999", "receiver_ids": ("DXPEDCCEB0000002",), "created_at": NOW,
        "message_type": wire.message_name(kind), "data": data,
    }  # fmt: skip
    return dxp.build(dxp.Envelope(**{**values, **more}), signer(secrets))
