"""What logistics keeps: one row per order with all its parcels, and one per consignment."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Index, Integer, Text

from services.logistics.consignments import CONSIGNMENT
from services.logistics.shipment import SHIPMENT
from shared.db.flow_tables import flow_tables, new_metadata
from shared.flow.tables import StateTable, state_table

metadata = new_metadata()
flow_tables(metadata)

SHIPMENTS: Final = state_table(
    metadata,
    "shipments",
    Column("seller", Text, nullable=False),
    Column("open_cases", Integer, nullable=False),
    Index("ix_shipments_open_cases", "key", postgresql_where="open_cases > 0"),
)

CONSIGNMENTS: Final = state_table(metadata, "consignments")

TABLES: Final = (
    StateTable(
        SHIPMENT,
        SHIPMENTS,
        {"seller": lambda shipment: shipment.seller, "open_cases": lambda shipment: len(shipment.open_cases)},
    ),
    StateTable(CONSIGNMENT, CONSIGNMENTS),
)
