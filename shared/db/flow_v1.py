"""The flow's tables as the first migrations create them. Frozen: a change is another file and another revision."""

from __future__ import annotations

from typing import Final

from alembic import op

_CREATE: Final = (
    "CREATE TABLE claims (id uuid CONSTRAINT pk_claims PRIMARY KEY)",
    """CREATE TABLE receipts (
      id uuid CONSTRAINT pk_receipts PRIMARY KEY, door text NOT NULL, lane text NOT NULL, received_at timestamptz NOT
      NULL,
      headers bytea NOT NULL, body bytea NOT NULL, status text NOT NULL, reason text NOT NULL,
      reply_status smallint NOT NULL, reply_type text NOT NULL, reply_body bytea NOT NULL)""",
    "CREATE INDEX ix_receipts_quarantined ON receipts (id) WHERE status = 'quarantined'",
    """CREATE TABLE outbox (
      id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_outbox PRIMARY KEY, topic text NOT NULL, key text NOT NULL,
      headers bytea NOT NULL, value bytea NOT NULL)""",
    """CREATE TABLE work (
      id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_work PRIMARY KEY, kind text NOT NULL, lane text NOT NULL,
      name text NOT NULL, task bytea NOT NULL, due_at timestamptz NOT NULL, token bigint NOT NULL DEFAULT 0,
      leased_until timestamptz, attempts integer NOT NULL DEFAULT 0, phase text NOT NULL DEFAULT 'send',
      cause_id text NOT NULL, traceparent text NOT NULL, last_error text NOT NULL DEFAULT '',
      CONSTRAINT uq_work_lane UNIQUE (lane, kind, name))""",
    "CREATE INDEX ix_work_due ON work (due_at)",
    """CREATE TABLE parked (
      seq bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_parked PRIMARY KEY, lane text NOT NULL, state text NOT NULL,
      topic text NOT NULL, partition integer NOT NULL, "offset" bigint NOT NULL, timestamp_ms bigint NOT NULL,
      headers bytea NOT NULL, value bytea NOT NULL, code text NOT NULL, reason text NOT NULL, attempts integer NOT NULL,
      failed_at timestamptz NOT NULL, deadline timestamptz)""",
    "CREATE INDEX ix_parked_lane ON parked (lane)",
    "CREATE TABLE aliases (name text CONSTRAINT pk_aliases PRIMARY KEY, lane text NOT NULL)",
)


def create() -> None:
    for statement in _CREATE:
        op.execute(statement)


def drop() -> None:
    for table in ("aliases", "parked", "work", "outbox", "receipts", "claims"):
        op.execute(f"DROP TABLE {table}")
