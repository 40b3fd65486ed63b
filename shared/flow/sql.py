"""The hot statements, written to be read. Built once per service; the driver prepares and keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from shared.flow.tables import StateTable

# --- claim and load -------------------------------------------------------------------------------------------------

_CLAIM_FACTS: Final = "INSERT INTO claims (id) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING RETURNING id::text"
# A final outcome is accepted from any lease: the row's id is the claim, whatever its token says by now.
_CLAIM_WORK: Final = "DELETE FROM work WHERE id = ANY($1::bigint[]) RETURNING id::text"
_CLAIM_RECEIPTS: Final = """
INSERT INTO receipts (id, door, lane, received_at, headers, body, status, reason, reply_status, reply_type, reply_body)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::bytea[], $6::bytea[], $7::text[],
                     $8::text[], $9::smallint[], $10::text[], $11::bytea[])
ON CONFLICT DO NOTHING RETURNING id::text"""
# The statement's snapshot is older than its own insert: what this finds are receipts of before, with the answer they
# got.
_FIRST_ANSWERS: Final = """
UNION ALL SELECT 'reply', id::text, reply_type, reply_status::bigint, reply_body FROM receipts WHERE id = ANY($1)"""

CLAIMS: Final = {
    "facts": (_CLAIM_FACTS, 1, ""),
    "work": (_CLAIM_WORK, 1, ""),
    "receipts": (_CLAIM_RECEIPTS, 11, _FIRST_ANSWERS),
}


def claim_and_load(move: str, tables: Iterable[StateTable[Any]]) -> str:
    """One statement after the lock and never in it: take the claims, read the states and what waits in the lanes."""
    claim, used, extra = CLAIMS[move]
    loads = [
        f"UNION ALL SELECT '{t.kind.name}', key, '', 0::bigint, body FROM {t.table.name} "
        f"WHERE key = ANY(${used + n}::text[])"
        for n, t in enumerate(tables, start=2)
    ]
    return (
        f"WITH claimed (id) AS ({claim})\n"
        "SELECT 'claimed' AS what, id AS a, '' AS b, 0::bigint AS n, ''::bytea AS body FROM claimed\n"
        # One row per lane: a blocked one may hold thousands, and needs none of them here.
        "UNION ALL SELECT 'parked', lane, CASE WHEN bool_and(state = 'early') THEN 'early' ELSE 'blocked' END, 0, "
        "''::bytea "
        f"FROM parked WHERE lane = ANY(${used + 1}::text[]) GROUP BY lane\n" + "\n".join(loads) + extra
    )


def load_states(tables: Iterable[StateTable[Any]]) -> str:
    """The states alone, for what waits in the lanes."""
    return "\nUNION ALL ".join(
        f"SELECT '{t.kind.name}' AS what, key AS a, '' AS b, 0::bigint AS n, body FROM {t.table.name} "
        f"WHERE key = ANY(${n}::text[])"
        for n, t in enumerate(tables, start=1)
    )


LOAD_PARKED: Final = """
SELECT seq, lane, state, topic, partition, "offset", timestamp_ms, headers, value, deadline, attempts
  FROM parked WHERE lane = ANY($1::text[]) ORDER BY seq"""

# --- write ----------------------------------------------------------------------------------------------------------


Part = tuple[str, Sequence[str]]  # a data-modifying statement, and the array types of its `{args}`


def put_states(table: StateTable[Any]) -> Part:
    names = ["key", "body", *table.columns]
    updates = ", ".join(f"{name} = excluded.{name}" for name in names[1:])
    sql = (
        f"INSERT INTO {table.table.name} ({', '.join(names)}) SELECT * FROM unnest({{args}}) "
        f"ON CONFLICT (key) DO UPDATE SET {updates}"
    )
    return sql, ("text", "bytea", *table.casts)


_OUTBOX: Final = """
INSERT INTO outbox (topic, key, headers, value) SELECT topic, key, headers, value
  FROM unnest({args}) WITH ORDINALITY AS t (topic, key, headers, value, n) ORDER BY n"""
# A replaced row gets a new id, so that an outcome of the old task finds nothing to claim.
_WORK: Final = """
INSERT INTO work (kind, lane, name, task, due_at, cause_id, traceparent) SELECT * FROM unnest({args})
ON CONFLICT (lane, kind, name) DO UPDATE SET id = DEFAULT, task = excluded.task, due_at = excluded.due_at, token = 0,
  leased_until = NULL, attempts = 0, phase = 'send', cause_id = excluded.cause_id, traceparent = excluded.traceparent,
  last_error = ''"""
_CANCEL: Final = """
DELETE FROM work USING unnest({args}) AS t (kind, lane, name)
 WHERE work.lane = t.lane AND work.kind = t.kind AND work.name = t.name"""
_ALIASES: Final = "INSERT INTO aliases (name, lane) SELECT * FROM unnest({args}) ON CONFLICT DO NOTHING"
_PARK: Final = """
INSERT INTO parked (lane, state, topic, partition, "offset", timestamp_ms, headers, value, code, reason, attempts,
                    failed_at, deadline)
SELECT lane, state, topic, partition, o, ms, headers, value, code, reason, 1, failed_at, deadline
  FROM unnest({args}) WITH ORDINALITY
    AS t (lane, state, topic, partition, o, ms, headers, value, code, reason, failed_at, deadline, n) ORDER BY n"""
_REPARK: Final = """
UPDATE parked SET state = t.state, code = t.code, reason = t.reason, attempts = attempts + 1, failed_at = t.failed_at,
                  deadline = coalesce(t.deadline, parked.deadline)
  FROM unnest({args}) AS t (seq, state, code, reason, failed_at, deadline) WHERE parked.seq = t.seq"""
_UNPARK: Final = "DELETE FROM parked USING unnest({args}) AS t (seq) WHERE parked.seq = t.seq"
_RECEIPTS: Final = """
UPDATE receipts SET status = t.status, reason = t.reason,
                    reply_status = coalesce(t.reply_status, receipts.reply_status),
                    reply_type = coalesce(t.reply_type, receipts.reply_type),
                    reply_body = coalesce(t.reply_body, receipts.reply_body)
  FROM unnest({args}) AS t (id, status, reason, reply_status, reply_type, reply_body) WHERE receipts.id = t.id"""

_T, _B, _AT, _N = "text", "bytea", "timestamptz", "bigint"
OUTBOX: Final[Part] = (_OUTBOX, (_T, _T, _B, _B))
WORK: Final[Part] = (_WORK, (_T, _T, _T, _B, _AT, _T, _T))
CANCEL: Final[Part] = (_CANCEL, (_T, _T, _T))
ALIASES: Final[Part] = (_ALIASES, (_T, _T))
PARK: Final[Part] = (_PARK, (_T, _T, _T, "integer", _N, _N, _B, _B, _T, _T, _AT, _AT))
REPARK: Final[Part] = (_REPARK, (_N, _T, _T, _T, _AT, _AT))
UNPARK: Final[Part] = (_UNPARK, (_N,))
RECEIPTS: Final[Part] = (_RECEIPTS, ("uuid", _T, _T, "smallint", _T, _B))


def write(parts: Sequence[Part]) -> str:
    """All parts as one statement of data-modifying CTEs; each gets its arrays as parameters in turn."""
    n, ctes = 0, []
    for index, (sql, types) in enumerate(parts):
        args = ", ".join(f"${n + k}::{kind}[]" for k, kind in enumerate(types, start=1))
        ctes.append(f"w{index} AS ({sql.format(args=args)})")
        n += len(types)
    return f"WITH {', '.join(ctes)} SELECT 1"
