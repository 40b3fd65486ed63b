"""The floors: what the machine needs for the same rows, messages and signatures with nothing of ours around them."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import msgspec

from shared.db.embedded import EmbeddedPostgres
from tests.bench.meter import Meter

SCHEMA: Final = """
DROP TABLE IF EXISTS bare_inbox, bare_orders, bare_outbox, bare_done, bare_state CASCADE;
CREATE TABLE bare_inbox (source text, event_id text, received_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (source, event_id));
CREATE TABLE bare_orders (id uuid PRIMARY KEY, shop text NOT NULL, external_id text NOT NULL, status text NOT NULL,
  total bigint NOT NULL, payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bare_outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key text NOT NULL,
  payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bare_done (event_id uuid PRIMARY KEY);
CREATE TABLE bare_state (id uuid PRIMARY KEY, status text NOT NULL, version int NOT NULL) WITH (fillfactor = 80);
"""
# Receipt, order and outbox row of one webhook as one prepared statement: the floor of an intake.
ONE: Final = """
WITH i AS (INSERT INTO bare_inbox (source, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1),
     o AS (INSERT INTO bare_orders (id, shop, external_id, status, total, payload) SELECT $3, $4, $5, 'received', $6, $7 FROM i)
INSERT INTO bare_outbox (topic, key, payload) SELECT 'orders', $5, $8 FROM i"""
# A batch of facts as one statement: claim, state, next fact. The floor of a step.
MANY: Final = """
WITH x AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[]) AS t (ev, id, key, pl)),
     d AS (INSERT INTO bare_done (event_id) SELECT ev FROM x ON CONFLICT DO NOTHING RETURNING event_id),
     n AS (SELECT x.* FROM x JOIN d ON d.event_id = x.ev),
     s AS (INSERT INTO bare_state AS s (id, status, version) SELECT DISTINCT ON (id) id, 'moved', 1 FROM n
           ON CONFLICT (id) DO UPDATE SET status = excluded.status, version = s.version + 1)
INSERT INTO bare_outbox (topic, key, payload) SELECT 'next', key, convert_from(pl, 'UTF8')::jsonb FROM n"""


class Fact(msgspec.Struct):
    event_id: uuid.UUID
    order_id: uuid.UUID
    at: datetime
    data: dict[str, Any]


_DECODE: Final = msgspec.json.Decoder(Fact).decode
_ENCODE: Final = msgspec.json.Encoder().encode


async def prepare(postgres: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(postgres.dsn())
    await connection.execute(SCHEMA)
    await connection.close()


async def intake(postgres: EmbeddedPostgres, body: bytes, count: int, callers: int = 32) -> float:
    """µs of CPU (client and PostgreSQL) per webhook through one prepared statement."""
    connections = [await asyncpg.connect(postgres.dsn()) for _ in range(callers)]
    text, event = body.decode(), json.dumps({"order": "placed", "lines": 2})

    async def caller(number: int, connection: asyncpg.Connection) -> None:
        statement = await connection.prepare(ONE)
        for n in range(count // callers):
            await statement.fetch("shop", f"{number}-{n}", uuid.uuid4(), "shop", f"{n}", 12900, text, event)

    with Meter((postgres.pid,)) as meter:
        await asyncio.gather(*(caller(number, connection) for number, connection in enumerate(connections)))
    for connection in connections:
        await connection.close()
    return meter.cpu / (count // callers * callers) * 1e6


async def step(postgres: EmbeddedPostgres, bodies: Sequence[bytes], batch: int) -> float:
    """µs of CPU per fact: decode, one statement per batch, encode the next fact."""
    connection = await asyncpg.connect(postgres.dsn())
    orders = [uuid.uuid4() for _ in range(1000)]
    facts = [
        _ENCODE(Fact(uuid.uuid4(), orders[n % 1000], datetime.now(UTC), json.loads(body))) for n, body in enumerate(bodies)
    ]
    statement = await connection.prepare(MANY)
    with Meter((postgres.pid,)) as meter:
        for start in range(0, len(facts), batch):
            read = [_DECODE(fact) for fact in facts[start : start + batch]]
            spoken = [_ENCODE(Fact(uuid.uuid4(), fact.order_id, datetime.now(UTC), fact.data)) for fact in read]
            await statement.fetch(
                [fact.event_id for fact in read], [fact.order_id for fact in read], [str(fact.order_id) for fact in read], spoken
            )
    await connection.close()
    return meter.cpu / len(facts) * 1e6
