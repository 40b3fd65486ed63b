"""What customs keeps: dossiers, signed envelopes, and each person's yearly amount."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Text

from services.customs.dossier import DOSSIER, QUOTA
from services.customs.submission import ENVELOPE
from shared.db.flow_tables import flow_tables, new_metadata
from shared.flow.tables import StateTable, state_table

metadata = new_metadata()
flow_tables(metadata)

DOSSIERS: Final = state_table(
    metadata,
    "dossiers",
    Column("seller", Text, nullable=False),
    Column("papers", Text, nullable=False),
    Column("cases", Integer, nullable=False),
    Index("ix_dossiers_cases", "key", postgresql_where="cases > 0"),
)
ENVELOPES: Final = state_table(metadata, "envelopes")
QUOTAS: Final = state_table(
    metadata,
    "quotas",
    Column("year", Integer, nullable=False),
    Column("used_minor", BigInteger, nullable=False),
    CheckConstraint("used_minor >= 0", name="used_minor"),
)

TABLES: Final = (
    StateTable(
        DOSSIER,
        DOSSIERS,
        {
            "seller": lambda dossier: dossier.seller,
            "papers": lambda dossier: dossier.said,
            "cases": lambda dossier: len(dossier.cases),
        },
    ),
    StateTable(ENVELOPE, ENVELOPES),
    StateTable(QUOTA, QUOTAS, {"year": lambda quota: quota.year, "used_minor": lambda quota: quota.used.minor}),
)
