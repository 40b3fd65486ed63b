"""What payments keeps: the money of each order, the journals with their lines, and what went over the wire."""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Index, Integer, Text

from services.payments.books import EVIDENCE, JOURNAL, LINE
from services.payments.payment import PAYMENT
from shared.db.flow_tables import flow_tables, new_metadata
from shared.flow.tables import StateTable, state_table

metadata = new_metadata()
flow_tables(metadata)

PAYMENTS: Final = state_table(
    metadata,
    "payments",
    Column("seller", Text, nullable=False),
    Column("cases", Integer, nullable=False),
    Index("ix_payments_cases", "key", postgresql_where="cases > 0"),
)
JOURNALS: Final = state_table(
    metadata,
    "journals",
    Column("order_id", Text, nullable=False),
    Column("booked_at", DateTime(timezone=True), nullable=False),
    Index("ix_journals_order_id", "order_id"),
)
POSTINGS: Final = state_table(
    metadata,
    "postings",
    Column("journal", Text, nullable=False),
    Column("order_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("minor", BigInteger, nullable=False),
    Column("what", Text, nullable=False),
    Index("ix_postings_order_id", "order_id"),
    Index("ix_postings_account", "account"),
)
EVIDENCES: Final = state_table(
    metadata,
    "evidence",
    Column("order_id", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)

TABLES: Final = (
    StateTable(
        PAYMENT, PAYMENTS, {"seller": lambda payment: payment.seller, "cases": lambda payment: len(payment.open_cases)}
    ),
    StateTable(JOURNAL, JOURNALS, {"order_id": lambda kept: kept.order_id, "booked_at": lambda kept: kept.at}),
    StateTable(
        LINE,
        POSTINGS,
        {
            "journal": lambda line: line.journal,
            "order_id": lambda line: line.order_id,
            "account": lambda line: line.account,
            "currency": lambda line: line.amount.currency,
            "minor": lambda line: line.amount.minor,
            "what": lambda line: line.what,
        },
    ),
    StateTable(EVIDENCE, EVIDENCES, {"order_id": lambda kept: kept.order_id, "at": lambda kept: kept.at}),
)
