"""Reads of customs: dossiers for its API, stored envelopes for its calls."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import select

from services.customs.dossier import Dossier
from services.customs.submission import SignedEnvelope
from services.customs.tables import DOSSIERS, ENVELOPES
from shared.db.engine import ReadTx
from shared.http.problem import NotFound
from shared.security.auth import Principal
from shared.security.vault import Keyring

_DOSSIER: Final = TypeAdapter(Dossier)
_ENVELOPE: Final = TypeAdapter(SignedEnvelope)
PAGE: Final = 100


async def dossier(read: ReadTx, order_id: str, principal: Principal) -> Dossier:
    """One dossier, if the asker may see it; another seller's is as good as none."""
    async with read.begin() as tx:
        body = await tx.scalar(select(DOSSIERS.c.body).where(DOSSIERS.c.key == order_id))
    found = _DOSSIER.validate_json(body) if body is not None else None
    if found is None or not principal.sees(found.seller):
        raise NotFound(f"no dossier of {order_id[:64]}")
    return found


async def with_cases(read: ReadTx) -> Sequence[Dossier]:
    """Dossiers that wait for a person, at most PAGE."""
    query = select(DOSSIERS.c.body).where(DOSSIERS.c.cases > 0).order_by(DOSSIERS.c.key).limit(PAGE)
    async with read.begin() as tx:
        return [_DOSSIER.validate_json(body) for body in (await tx.scalars(query)).all()]


def seal_envelope(columns: Keyring, key: str, raw: bytes) -> str:
    return base64.b64encode(columns.seal_bytes(raw, place=f"envelopes/{key}")).decode()


async def envelope(read: ReadTx, columns: Keyring, key: str) -> bytes:
    """The stored bytes, exactly as they were signed."""
    async with read.begin() as tx:
        body = await tx.scalar(select(ENVELOPES.c.body).where(ENVELOPES.c.key == key))
    if body is None:
        raise NotFound("no such envelope")
    return columns.open_bytes(base64.b64decode(_ENVELOPE.validate_json(body).sealed), place=f"envelopes/{key}")
