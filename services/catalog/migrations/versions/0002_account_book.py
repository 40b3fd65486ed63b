"""The account book's counter beside the shelf's; until now all stock lay under an account book and both were equal."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("ALTER TABLE stock ADD COLUMN book bigint")
    op.execute("UPDATE stock SET book = on_hand")
    op.execute("ALTER TABLE stock ALTER COLUMN book SET NOT NULL")
    op.execute("ALTER TABLE stock ADD CONSTRAINT ck_stock_book_in_stock CHECK (book BETWEEN 0 AND on_hand)")


def downgrade() -> None:
    op.execute("ALTER TABLE stock DROP COLUMN book")
