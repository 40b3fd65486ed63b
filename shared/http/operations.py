"""What a service has set aside or has not got to, for operators: read only, the same in every service."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from fastapi import APIRouter
from sqlalchemy import text

from shared.clock import Clock
from shared.db.engine import ReadTx
from shared.http.commands import Authorization
from shared.security.auth import Tokens

PATH: Final = "/internal/{service}/operations"
MOST: Final = 100  # rows of one kind; the counts say how many there are
OVERDUE: Final = timedelta(seconds=60)  # real time: work that is due longer than this is nobody's, or too much
TRIES: Final = 3  # after so many a partner is away, and not merely slow

# Whom each kind of work calls; what is not named here is the service's own (a timer, a fan-out).
PARTNERS: Final[Mapping[str, str]] = {
    "fetch-order": "channel", "confirm-shipment": "channel",
    "open-attempt": "payments", "query-attempt": "payments", "close-attempt": "payments", "refund": "payments",
    "refund-check": "payments", "declare-payment": "payments", "declaration-check": "payments",
    "declaration-push": "payments",
    "book-waybill": "carrier", "void-waybill": "carrier", "recall-parcel": "carrier", "register-tracking": "tracker",
    "tell-warehouse": "warehouse",
    "submit": "customs", "sign": "signer", "sign-withdrawal": "signer", "check-identity": "registry",
}  # fmt: skip
_NAMES: Final[Mapping[str, str]] = {
    "channel": "the shop's channel", "payments": "the payment provider", "carrier": "the carrier",
    "tracker": "the parcel tracker", "warehouse": "the warehouse", "customs": "the customs window",
    "signer": "the signing device", "registry": "the identity check", "": "the service itself",
}  # fmt: skip
# What work is said to suffer from, where its last error says no more than of which sort it was.
_CODES: Final[Mapping[str, str]] = {
    "transient": "partner.unavailable", "unknown": "partner.unanswered", "": "partner.interrupted",
}  # fmt: skip
# What a door keeps beside the bytes and tells no signature, no secret and no person.
_ABOUT: Final[Mapping[str, str]] = {
    ":path.connection": "connection", "x-shopify-shop-domain": "shop", "x-shopify-topic": "topic",
    "x-shopify-webhook-id": "delivery", "webhook-id": "delivery", "app-key": "application",
}  # fmt: skip
_LONGEST: Final = 120
_UNKNOWN: Final = "did not answer: nobody knows whether it was done"

# One statement, the newest of each kind, by the service's own role in its own database.
# `early`: its cause still travels; `blocked` rows are counted behind the dead letter that they wait for.
_SET_ASIDE: Final = text("""
WITH found AS (
  SELECT 'dead' AS kind, lane, topic AS what, code, reason, failed_at AS at, attempts,
         (SELECT count(*) FROM parked AS b WHERE b.lane = p.lane AND b.state = 'blocked') AS behind, deadline AS due,
         NULL::bytea AS kept
    FROM parked AS p WHERE state = 'dead'
  UNION ALL
  SELECT 'early', lane, topic, code, reason, failed_at, attempts, 0, deadline, NULL
    FROM parked WHERE state = 'early'
  UNION ALL
  SELECT 'quarantine', lane, 'receipt ' || door, split_part(reason, ': ', 1), reason, received_at, 1, 0, NULL,
         headers
    FROM receipts WHERE status = 'quarantined'
  UNION ALL
  SELECT 'stuck', lane, 'work ' || kind, last_error, phase, due_at, attempts, 0, due_at, NULL
    FROM work WHERE phase = 'stuck'
  UNION ALL
  SELECT 'overdue', lane, 'work ' || kind, last_error, phase, due_at, attempts, 0, due_at, NULL
    FROM work WHERE phase <> 'stuck' AND due_at < :overdue AND (leased_until IS NULL OR leased_until < :now)
  UNION ALL
  SELECT 'retrying', lane, 'work ' || kind, last_error, phase, due_at, attempts, 0, due_at, NULL
    FROM work WHERE phase <> 'stuck' AND due_at >= :overdue AND attempts >= :tries
), numbered AS (
  SELECT *, row_number() OVER (PARTITION BY kind ORDER BY at DESC) AS n, count(*) OVER (PARTITION BY kind) AS total
    FROM found)
SELECT kind, lane, what, code, reason, at, attempts, behind, due, kept, total FROM numbered WHERE n <= :most
ORDER BY kind, at DESC""")


async def set_aside(read: ReadTx, service: str, now: datetime) -> dict[str, Any]:
    """Everything that waits for a person or longer than it should; `counts` is exact, `rows` at most MOST a kind."""
    given = {"now": now, "overdue": now - OVERDUE, "tries": TRIES, "most": MOST}
    async with read.begin() as tx:
        found = (await tx.execute(_SET_ASIDE, given)).mappings().all()
    return {
        "service": service,
        "asked_at": now,
        "counts": {row["kind"]: row["total"] for row in found},
        "rows": [_row({name: row[name] for name in row if name != "total"}) for row in found],
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    """As it is told: `who` is the partner that work waits for, `about` what the door knows of a receipt's sender."""
    kept = row.pop("kept")
    if row["what"].startswith("work "):
        return {**row, **_work(row["kind"], row["what"].removeprefix("work "), row["code"], row["reason"]), "about": {}}
    return {**row, "who": "", "about": _about(kept or b"")}


def _work(kind: str, work: str, error: str, phase: str) -> dict[str, str]:
    """A stable code and a sentence: what fails, whose answer is missing, and what happens next."""
    who = PARTNERS.get(work, "")
    name = _NAMES[who]
    code = _CODES.get(error, error)
    if kind == "stuck":
        return {"who": who, "code": error or "work.stuck", "reason": f"the answer of {name} cannot be applied"}
    if kind == "overdue" and not error:
        return {"who": who, "code": "work.not_begun", "reason": "nobody has begun it: is the service's worker running?"}
    if not who:
        return {"who": who, "code": code, "reason": "it failed in the service itself, which tries it again"}
    trouble = _UNKNOWN if phase == "unknown" else "cannot be reached, or does not take it now"
    return {"who": who, "code": code, "reason": f"{name} {trouble}; it is asked again by itself"}


def _about(kept: bytes) -> dict[str, str]:
    try:
        headers = json.loads(kept)
    except ValueError:  # a command of our own API keeps none
        return {}
    return {name: str(headers[header])[:_LONGEST] for header, name in _ABOUT.items() if header in headers}


def router(service: str, read: ReadTx, tokens: Tokens, clock: Clock) -> APIRouter:
    routes = APIRouter(tags=["operations"])

    @routes.get(PATH.format(service=service), include_in_schema=False)
    async def operations(authorization: Authorization = "") -> dict[str, Any]:
        """Dead letters with what waits behind them, early facts, quarantined receipts, work that is stuck or late."""
        tokens.principal(authorization, "operator")
        return await set_aside(read, service, clock.now())

    return routes
