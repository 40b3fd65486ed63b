"""Orders that a channel named without showing them."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute(
        """CREATE TABLE fetchings (
          key text CONSTRAINT pk_fetchings PRIMARY KEY, body bytea NOT NULL) WITH (fillfactor = 80)"""
    )


def downgrade() -> None:
    op.execute("DROP TABLE fetchings")
