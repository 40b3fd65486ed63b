"""What orders keeps: its orders, the channels' snapshots of them, the orders that channels only named, and the
connections through which all of them come."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, DateTime, Index, LargeBinary, Table, Text

from services.orders.order import ORDER
from services.orders.placing import FETCHING, SNAPSHOT
from shared.db.flow_tables import flow_tables, new_metadata
from shared.flow.tables import StateTable, state_table

metadata = new_metadata()
flow_tables(metadata)

ORDERS: Final = state_table(
    metadata,
    "orders",
    Column("seller", Text, nullable=False),
    Column("connection", Text, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("intent", Text, nullable=False),
    Column("holds", Text, nullable=False),  # space before and after each
    Column("placed_at", DateTime(timezone=True), nullable=False),
    Index("ix_orders_external_id", "external_id"),
    Index("ix_orders_seller_placed_at", "seller", "placed_at"),
)
SNAPSHOTS: Final = state_table(metadata, "snapshots")
FETCHINGS: Final = state_table(metadata, "fetchings")

# Channel secrets are rows, sealed with this service's keyring; `id` is ours and part of the path /hooks/<channel>/<id>.
CONNECTIONS: Final = Table(
    "connections",
    metadata,
    Column("id", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("shop", Text, nullable=False),
    Column("domain", Text, nullable=False, unique=True),
    Column("base_url", Text, nullable=False),
    Column("secrets", LargeBinary, nullable=False),
)

TABLES: Final = (
    StateTable(
        ORDER,
        ORDERS,
        {
            "seller": lambda order: order.seller,
            "connection": lambda order: order.connection,
            "external_id": lambda order: order.external_id,
            "intent": lambda order: order.intent.value,
            "holds": lambda order: f" {' '.join(order.holds)} ",
            "placed_at": lambda order: order.placed_at,
        },
    ),
    StateTable(SNAPSHOT, SNAPSHOTS),
    StateTable(FETCHING, FETCHINGS),
)
