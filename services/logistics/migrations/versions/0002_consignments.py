"""Consignments: parcels that fly under one master bill."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE consignments (
          key text CONSTRAINT pk_consignments PRIMARY KEY, body bytea NOT NULL
        ) WITH (fillfactor = 80)"""
    )


def downgrade() -> None:
    op.execute("DROP TABLE consignments")
