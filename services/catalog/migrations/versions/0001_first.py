"""The flow's tables, products, stock and reservations."""

from alembic import op

from shared.db import flow_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    flow_v1.create()
    op.execute(
        """CREATE TABLE stock (
          key text CONSTRAINT pk_stock PRIMARY KEY, body bytea NOT NULL, sku text NOT NULL, location text NOT NULL,
          on_hand bigint NOT NULL, reserved bigint NOT NULL,
          CONSTRAINT ck_stock_not_oversold CHECK (reserved >= 0 AND on_hand >= reserved)) WITH (fillfactor = 80)"""
    )
    op.execute(
        """CREATE TABLE products (
          key text CONSTRAINT pk_products PRIMARY KEY, body bytea NOT NULL, seller text NOT NULL
        ) WITH (fillfactor = 80)"""
    )
    op.execute(
        """CREATE TABLE reservations (
          key text CONSTRAINT pk_reservations PRIMARY KEY, body bytea NOT NULL, seller text NOT NULL,
          state text NOT NULL) WITH (fillfactor = 80)"""
    )


def downgrade() -> None:
    for table in ("reservations", "products", "stock"):
        op.execute(f"DROP TABLE {table}")
    flow_v1.drop()
