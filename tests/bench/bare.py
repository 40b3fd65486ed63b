"""The floors: what the machine needs for the same rows, messages and signatures with nothing of ours around them."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import httpx
import msgspec
from asyncpg import Connection
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from shared.db.embedded import EmbeddedPostgres
from tests.bench.meter import Meter

SCHEMA: Final = """
DROP TABLE IF EXISTS bare_inbox, bare_orders, bare_outbox, bare_done, bare_state, bare_log CASCADE;
CREATE TABLE bare_inbox (source text, event_id text, received_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (source, event_id));
CREATE TABLE bare_orders (id uuid PRIMARY KEY, shop text NOT NULL, external_id text NOT NULL, status text NOT NULL,
  total bigint NOT NULL, payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bare_outbox (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topic text NOT NULL, key text NOT NULL,
  payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE bare_done (event_id uuid PRIMARY KEY);
CREATE TABLE bare_state (id uuid PRIMARY KEY, status text NOT NULL, version int NOT NULL) WITH (fillfactor = 80);
CREATE TABLE bare_log (position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text NOT NULL, value bytea NOT
NULL);
"""
# Receipt, order and outbox row of one webhook as one prepared statement: the floor of an intake.
ONE: Final = """
WITH i AS (INSERT INTO bare_inbox (source, event_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING 1),
     o AS (INSERT INTO bare_orders (id, shop, external_id, status, total, payload)
           SELECT $3, $4, $5, 'received', $6, $7 FROM i)
INSERT INTO bare_outbox (topic, key, payload) SELECT 'orders', $5, $8 FROM i"""
# A batch of facts as one statement: claim, state, next fact. The floor of a step.
MANY: Final = """
WITH x AS (SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::jsonb[]) AS t (ev, id, key, pl)),
     d AS (INSERT INTO bare_done (event_id) SELECT ev FROM x ON CONFLICT DO NOTHING RETURNING event_id),
     n AS (SELECT x.* FROM x JOIN d ON d.event_id = x.ev),
     s AS (INSERT INTO bare_state AS s (id, status, version) SELECT DISTINCT ON (id) id, 'moved', 1 FROM n
           ON CONFLICT (id) DO UPDATE SET status = excluded.status, version = s.version + 1)
INSERT INTO bare_outbox (topic, key, payload) SELECT 'next', key, pl FROM n"""
POLL: Final = (
    "SELECT id, key, payload::text FROM bare_outbox WHERE topic = 'in' ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED"
)
GONE: Final = "DELETE FROM bare_outbox WHERE id = ANY($1::bigint[])"


class Fact(msgspec.Struct):
    event_id: uuid.UUID
    order_id: uuid.UUID
    at: datetime
    data: dict[str, Any]


_DECODE: Final = msgspec.json.Decoder(Fact).decode
_ENCODE: Final = msgspec.json.Encoder().encode


async def _fresh(postgres: EmbeddedPostgres) -> Connection:
    connection = await asyncpg.connect(postgres.dsn())
    await connection.execute(SCHEMA)
    return connection


async def intake(postgres: EmbeddedPostgres, body: bytes, count: int, callers: int = 32) -> float:
    """µs of CPU (client and PostgreSQL) per webhook through one prepared statement."""
    await (await _fresh(postgres)).close()
    connections = [await asyncpg.connect(postgres.dsn()) for _ in range(callers)]
    text, event = body.decode(), json.dumps({"order": "placed", "lines": 2})
    each = -(-count // callers)

    async def caller(number: int, connection: Connection) -> None:
        statement = await connection.prepare(ONE)
        for n in range(each):
            await statement.fetch("shop", f"{number}-{n}", uuid.uuid4(), "shop", f"{n}", 12900, text, event)

    with Meter((postgres.pid,)) as meter:
        await asyncio.gather(*(caller(number, connection) for number, connection in enumerate(connections)))
    for connection in connections:
        await connection.close()
    return meter.cpu / (each * callers) * 1e6


async def _outbox(connection: Connection, bodies: Sequence[bytes]) -> None:
    orders = [uuid.uuid4() for _ in range(1000)]
    rows = []
    for n, body in enumerate(bodies):
        fact = Fact(uuid.uuid4(), orders[n % 1000], datetime.now(UTC), json.loads(body))
        rows.append(("in", str(fact.order_id), _ENCODE(fact).decode()))
    await connection.copy_records_to_table("bare_outbox", columns=("topic", "key", "payload"), records=rows)
    await connection.execute("ANALYZE bare_outbox")


async def loop(postgres: EmbeddedPostgres, bodies: Sequence[bytes], batch: int) -> float:
    """µs of CPU per fact through relay and consumer: poll, decode, one statement, encode the next, delete."""
    connection, consumer = await _fresh(postgres), await asyncpg.connect(postgres.dsn())
    await _outbox(connection, bodies)
    statement = await consumer.prepare(MANY)
    with Meter((postgres.pid,)) as meter:
        while True:
            async with connection.transaction():
                rows = await connection.fetch(POLL, batch)
                await connection.execute(GONE, [row[0] for row in rows])
            if not rows:
                break
            read = [_DECODE(row[2].encode()) for row in rows]
            spoken = [_ENCODE(Fact(uuid.uuid4(), f.order_id, datetime.now(UTC), f.data)).decode() for f in read]
            ids = [fact.order_id for fact in read]
            await statement.fetch([fact.event_id for fact in read], ids, [str(one) for one in ids], spoken)
    await consumer.close()
    await connection.close()
    return meter.cpu / len(bodies) * 1e6


async def relay(postgres: EmbeddedPostgres, bodies: Sequence[bytes], batch: int = 500) -> float:
    """µs of CPU per fact: poll `batch`, DELETE; the bytes go nowhere."""
    connection, sink = await _fresh(postgres), 0
    await _outbox(connection, bodies)
    with Meter((postgres.pid,)) as meter:
        while sink < len(bodies):
            async with connection.transaction():
                rows = await connection.fetch(POLL, batch)
                sink += len([(row[1].encode(), row[2].encode()) for row in rows])
                await connection.execute(GONE, [row[0] for row in rows])
    await connection.close()
    return meter.cpu / len(bodies) * 1e6


async def log(postgres: EmbeddedPostgres, bodies: Sequence[bytes], run: int, batch: int) -> float:
    """µs of CPU per record: one INSERT per `run`, one SELECT per `batch`. No group, no lock, no offsets."""
    connection = await _fresh(postgres)
    with Meter((postgres.pid,)) as meter:
        for start in range(0, len(bodies), run):
            values = list(bodies[start : start + run])
            keys = [f"order-{n % 1000:04d}" for n in range(len(values))]
            await connection.fetch(
                "INSERT INTO bare_log (key, value) SELECT * FROM unnest($1::text[], $2::bytea[])", keys, values
            )
        at = 0
        while rows := await connection.fetch(
            "SELECT * FROM bare_log WHERE position > $1 ORDER BY 1 LIMIT $2", at, batch
        ):
            at = rows[-1][0]
    await connection.close()
    return meter.cpu / len(bodies) * 1e6


async def round_trip(port: int, count: int) -> float:
    """µs of CPU of a client per POST and answer over one kept connection, by hand; the server is another process."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b"x" * 800
    request = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 800\r\n\r\n" + body
    with Meter() as meter:
        for _ in range(count):
            writer.write(request)
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2)
    writer.close()
    return meter.cpu / count * 1e6


async def httpx_round_trip(port: int, count: int) -> float:
    """The same through the HTTP client that the stack names; not the floor, but what a call costs at the least with
    it."""
    async with httpx.AsyncClient() as http:
        with Meter() as meter:
            for _ in range(count):
                await http.post(f"http://127.0.0.1:{port}/", content=b"x" * 800)
    return meter.cpu / count * 1e6


def signatures(count: int) -> tuple[float, float]:
    """µs of CPU per RSA-2048 signature made, and per one checked, with the keys kept as objects."""
    key = rsa.generate_private_key(65537, 2048)
    public, text = key.public_key(), b"x" * 800
    made, start = b"", time.process_time()
    for _ in range(count):
        made = key.sign(text, padding.PKCS1v15(), SHA256())
    between = time.process_time()
    for _ in range(count):
        public.verify(made, text, padding.PKCS1v15(), SHA256())
    return (between - start) / count * 1e6, (time.process_time() - between) / count * 1e6
