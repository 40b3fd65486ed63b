"""The flow's tables, the same in every service's database, and how a kind of state is bound to a table of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Generic, TypeVar

from pydantic import TypeAdapter
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
)
from sqlalchemy.dialects import postgresql

from shared.flow.decision import Kind

T = TypeVar("T")

NAMING: Final = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}


def new_metadata() -> MetaData:
    return MetaData(naming_convention=NAMING)


def flow_tables(metadata: MetaData) -> None:
    """Claims, receipts, outbox, work, parked, aliases."""
    when = DateTime(timezone=True)
    # Not partitioned by arrival: one id was accepted twice across midnight. Its time is inside the UUIDv7.
    Table("claims", metadata, Column("id", Uuid, primary_key=True))
    Table(
        "receipts",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("door", Text, nullable=False),
        Column("lane", Text, nullable=False),
        Column("received_at", when, nullable=False),
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
    Table(
        "work",
        metadata,
        Column("id", BigInteger, Identity(always=True), primary_key=True),
        Column("kind", Text, nullable=False),
        Column("lane", Text, nullable=False),
        Column("name", Text, nullable=False),
        Column("task", LargeBinary, nullable=False),
        Column("due_at", when, nullable=False),
        Column("token", BigInteger, nullable=False, server_default="0"),
        Column("leased_until", when),
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
        Column("failed_at", when, nullable=False),
        Column("deadline", when),
    )
    Table(
        "aliases",
        metadata,
        Column("name", Text, primary_key=True),
        Column("lane", Text, nullable=False),
    )


@dataclass(frozen=True)
class StateTable(Generic[T]):
    """A kind of state and the table that keeps it: `key`, `body` (JSON of the class), and columns for queries and CHECKs."""

    kind: Kind[T]
    table: Table
    columns: Mapping[str, Callable[[T], object]] = field(default_factory=dict)

    @cached_property
    def codec(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.kind.of)

    @property
    def casts(self) -> tuple[str, ...]:
        """PostgreSQL type per extra column, in order."""
        dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
        return tuple(self.table.c[name].type.compile(dialect=dialect) for name in self.columns)

    def row(self, key: str, value: T) -> tuple[object, ...]:
        return (key, self.codec.dump_json(value), *(of(value) for of in self.columns.values()))


def state_table(metadata: MetaData, name: str, *columns: Any) -> Table:
    """A table for one kind of state; fillfactor leaves room so that updates of `body` stay on their page."""
    return Table(
        name,
        metadata,
        Column("key", Text, primary_key=True),
        Column("body", LargeBinary, nullable=False),
        *columns,
        postgresql_with={"fillfactor": 80},
    )
