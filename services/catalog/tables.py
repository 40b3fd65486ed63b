"""What catalog keeps. The CHECKs stand behind the arithmetic: counters never go below zero, nothing is oversold."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Text

from services.catalog.stock import PRODUCT, RESERVATION, STOCK
from shared.db.flow_tables import flow_tables, new_metadata
from shared.flow.tables import StateTable, state_table

metadata = new_metadata()
flow_tables(metadata)

STOCKS: Final = state_table(
    metadata,
    "stock",
    Column("sku", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("on_hand", BigInteger, nullable=False),
    Column("reserved", BigInteger, nullable=False),
    Column("book", BigInteger, nullable=False),
    CheckConstraint("reserved >= 0 AND on_hand >= reserved", name="not_oversold"),
    CheckConstraint("book BETWEEN 0 AND on_hand", name="book_in_stock"),
)
PRODUCTS: Final = state_table(metadata, "products", Column("seller", Text, nullable=False))
RESERVATIONS: Final = state_table(
    metadata, "reservations", Column("seller", Text, nullable=False), Column("state", Text, nullable=False)
)

TABLES: Final = (
    StateTable(
        STOCK,
        STOCKS,
        {
            "sku": lambda stock: stock.sku,
            "location": lambda stock: stock.location,
            "on_hand": lambda stock: stock.on_hand,
            "reserved": lambda stock: stock.reserved,
            "book": lambda stock: stock.book,
        },
    ),
    StateTable(PRODUCT, PRODUCTS, {"seller": lambda product: product.seller}),
    StateTable(RESERVATION, RESERVATIONS, {"seller": lambda held: held.seller, "state": lambda held: held.state.value}),
)
