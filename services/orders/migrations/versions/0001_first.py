"""The flow's tables, orders, snapshots and connections."""

from alembic import op

from shared.db import flow_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    flow_v1.create()
    op.execute(
        """CREATE TABLE orders (
          key text CONSTRAINT pk_orders PRIMARY KEY, body bytea NOT NULL, seller text NOT NULL,
          connection text NOT NULL, external_id text NOT NULL,
          intent text NOT NULL, holds text NOT NULL, placed_at timestamptz NOT NULL
        ) WITH (fillfactor = 80)"""
    )
    op.execute("CREATE INDEX ix_orders_external_id ON orders (external_id)")
    op.execute("CREATE INDEX ix_orders_seller_placed_at ON orders (seller, placed_at)")
    op.execute(
        """CREATE TABLE snapshots (
          key text CONSTRAINT pk_snapshots PRIMARY KEY, body bytea NOT NULL) WITH (fillfactor = 80)"""
    )
    op.execute(
        """CREATE TABLE connections (
          id text CONSTRAINT pk_connections PRIMARY KEY, channel text NOT NULL, shop text NOT NULL,
          domain text NOT NULL CONSTRAINT uq_connections_domain UNIQUE, base_url text NOT NULL,
          secrets bytea NOT NULL)"""
    )


def downgrade() -> None:
    for table in ("connections", "snapshots", "orders"):
        op.execute(f"DROP TABLE {table}")
    flow_v1.drop()
