"""Reads of payments: whose number this is, one order's money, the books."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import func, select

from services.payments.commands import REFUND
from services.payments.outcomes import meaning
from services.payments.payment import Payment
from services.payments.policy import REFUND_BACKOFF
from services.payments.tables import JOURNALS, PAYMENTS, POSTINGS, metadata
from shared.db.engine import ReadTx
from shared.flow.work import BACKOFF
from shared.http.problem import NotFound
from shared.security.auth import Principal
from shared.security.vault import Keyring

_PAYMENT: Final = TypeAdapter(Payment)
_EVIDENCE: Final = "evidence/text"
PAGE: Final = 100


async def payment(read: ReadTx, order_id: str, principal: Principal) -> Payment:
    """One order's money, if the asker may see it; another seller's is as good as none."""
    async with read.begin() as tx:
        body = await tx.scalar(select(PAYMENTS.c.body).where(PAYMENTS.c.key == order_id))
    found = _PAYMENT.validate_json(body) if body is not None else None
    if found is None or not principal.sees(found.seller):
        raise NotFound(f"no money of order {order_id[:64]}")
    return found


async def cases(read: ReadTx) -> list[Payment]:
    """Payments that a person must look at, at most PAGE."""
    query = select(PAYMENTS.c.body).where(PAYMENTS.c.cases > 0).order_by(PAYMENTS.c.key).limit(PAGE)
    async with read.begin() as tx:
        return [_PAYMENT.validate_json(body) for body in (await tx.scalars(query)).all()]


async def calls(read: ReadTx, order_id: str) -> list[dict[str, Any]]:
    """What is asked of a provider for the order, or will be: tries so far, the last try's error, the next try."""
    work = metadata.tables["work"].c
    query = (
        select(work.kind, work.attempts, work.phase, work.due_at, work.leased_until, work.last_error)
        .where(work.lane == order_id)
        .order_by(work.due_at, work.id)
    )
    async with read.begin() as tx:
        return [
            {
                "kind": row.kind, "tries": row.attempts, "last_error": row.last_error or None,
                "last_error_means": meaning(row.last_error),
                "outcome": "unknown" if row.phase == "unknown" else None, "stuck": row.phase == "stuck",
                "trying": row.leased_until is not None,
                "last_try_at": _tried(row.kind, row.attempts, row.due_at), "next_try_at": row.due_at,
            }
            for row in (await tx.execute(query)).all()
        ]  # fmt: skip


def _tried(kind: str, attempts: int, due_at: datetime) -> datetime | None:
    """A failed try set the next one as far off as its pause is long."""
    pauses = REFUND_BACKOFF if kind == REFUND else BACKOFF
    return due_at - timedelta(seconds=pauses[attempts - 1]) if 1 <= attempts <= len(pauses) else None


async def journals(read: ReadTx, order_id: str) -> list[dict[str, Any]]:
    """An order's journals, oldest first, each with its lines; minor units, debit positive."""
    lines = POSTINGS.c
    query = (
        select(JOURNALS.c.key, JOURNALS.c.booked_at, lines.account, lines.currency, lines.minor, lines.what)
        .join(POSTINGS, lines.journal == JOURNALS.c.key)
        .where(JOURNALS.c.order_id == order_id)
        .order_by(JOURNALS.c.booked_at, JOURNALS.c.key, lines.key)
    )
    found: dict[str, dict[str, Any]] = {}
    async with read.begin() as tx:
        for row in (await tx.execute(query)).all():
            journal = found.setdefault(row.key, {"journal": row.key, "booked_at": row.booked_at, "lines": []})
            line = {"account": row.account, "currency": row.currency, "minor": row.minor, "what": row.what}
            journal["lines"].append(line)
    return list(found.values())


async def trial_balance(read: ReadTx) -> list[dict[str, Any]]:
    """The sum of every account in each currency; accounts at zero are left out."""
    total = func.sum(POSTINGS.c.minor)
    query = (
        select(POSTINGS.c.account, POSTINGS.c.currency, total.label("minor"))
        .group_by(POSTINGS.c.account, POSTINGS.c.currency)
        .having(total != 0)
        .order_by(POSTINGS.c.account, POSTINGS.c.currency)
    )
    async with read.begin() as tx:
        rows = (await tx.execute(query)).all()
    return [{"account": row.account, "currency": row.currency, "minor": int(row.minor)} for row in rows]


async def grand_total(read: ReadTx) -> dict[str, int]:
    """Over all lines, per currency: zero, or the books are wrong."""
    query = select(POSTINGS.c.currency, func.sum(POSTINGS.c.minor)).group_by(POSTINGS.c.currency)
    async with read.begin() as tx:
        return {currency: int(minor) for currency, minor in (await tx.execute(query)).all()}


def seal_evidence(columns: Keyring, *texts: str) -> str:
    """What went over the wire names the payer: it is kept sealed."""
    raw = "\n\n".join(texts).encode("utf-8", "replace")
    return base64.b64encode(columns.seal_bytes(raw, place=_EVIDENCE)).decode()


def open_evidence(columns: Keyring, sealed: str) -> str:
    return columns.open_bytes(base64.b64decode(sealed), place=_EVIDENCE).decode()
