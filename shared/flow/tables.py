"""How a kind of state is bound to a table of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter
from sqlalchemy import (
    Column,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.schema import SchemaItem

from shared.flow.decision import Kind

T = TypeVar("T")


@dataclass(frozen=True)
class StateTable(Generic[T]):
    """A kind of state and the table that keeps it: `key`, `body` (JSON of the class), and columns for queries and
    CHECKs."""

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


def state_table(metadata: MetaData, name: str, *columns: SchemaItem) -> Table:
    """A table for one kind of state; fillfactor leaves room so that updates of `body` stay on their page."""
    return Table(
        name,
        metadata,
        Column("key", Text, primary_key=True),
        Column("body", LargeBinary, nullable=False),
        *columns,
        postgresql_with={"fillfactor": 80},
    )
