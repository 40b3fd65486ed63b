"""The flow's tables, the same in every service's database; `flow_v1` is how the first migration made them."""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

NAMING: Final = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}


WHEN: Final = DateTime(timezone=True)


def new_metadata() -> MetaData:
    return MetaData(naming_convention=NAMING)


def flow_tables(metadata: MetaData) -> None:
    """Claims, receipts, outbox, work, parked, aliases."""
    _arrivals(metadata)
    _waiting(metadata)


def _arrivals(metadata: MetaData) -> None:
    # Not partitioned by arrival: one id was accepted twice across midnight. Its time is inside the UUIDv7.
    Table("claims", metadata, Column("id", Uuid, primary_key=True))
    Table(
        "receipts",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("door", Text, nullable=False),
        Column("lane", Text, nullable=False),
        Column("received_at", WHEN, nullable=False),
        Column("headers", LargeBinary, nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("status", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("reply_status", SmallInteger, nullable=False),
        Column("reply_type", Text, nullable=False),
        Column("reply_body", LargeBinary, nullable=False),
        Index("ix_receipts_quarantined", "id", postgresql_where="status = 'quarantined'"),
    )
    Table(
        "outbox",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("headers", LargeBinary, nullable=False),
        Column("value", LargeBinary, nullable=False),
    )


def _waiting(metadata: MetaData) -> None:
    Table(
        "work",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("kind", Text, nullable=False),
        Column("lane", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("task", LargeBinary, nullable=False),
        Column("due_at", WHEN, nullable=False),
        Column("token", BigInteger, nullable=False, server_default=text("0")),
        Column("leased_until", WHEN),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("phase", Text, nullable=False, server_default="send"),
        Column("cause_id", Text, nullable=False),
        Column("traceparent", Text, nullable=False),
        Column("last_error", Text, nullable=False, server_default=""),
        UniqueConstraint("lane", "kind", "name"),
        Index("ix_work_due", "due_at"),
    )
    Table(
        "parked",
        metadata,
        Column("seq", BigInteger, Identity(always=True), primary_key=True),
        Column("lane", Text, nullable=False, index=True),
        Column("state", Text, nullable=False),
        Column("topic", Text, nullable=False),
        Column("partition", Integer, nullable=False),
        Column("offset", BigInteger, nullable=False),
        Column("timestamp_ms", BigInteger, nullable=False),
        Column("headers", LargeBinary, nullable=False),
        Column("value", LargeBinary, nullable=False),
        Column("code", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("failed_at", WHEN, nullable=False),
        Column("deadline", WHEN),
    )
    Table(
        "aliases",
        metadata,
        Column("name", Text, primary_key=True),
        Column("lane", Text, nullable=False),
    )
