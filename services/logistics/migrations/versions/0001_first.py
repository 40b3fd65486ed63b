"""The flow's tables and shipments."""

from alembic import op

from shared.db import flow_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    flow_v1.create()
    op.execute(
        """CREATE TABLE shipments (
          key text CONSTRAINT pk_shipments PRIMARY KEY, body bytea NOT NULL, seller text NOT NULL,
          open_cases integer NOT NULL
        ) WITH (fillfactor = 80)"""
    )
    op.execute("CREATE INDEX ix_shipments_open_cases ON shipments (key) WHERE open_cases > 0")


def downgrade() -> None:
    op.execute("DROP TABLE shipments")
    flow_v1.drop()
