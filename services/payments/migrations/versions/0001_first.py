"""The flow's tables, payments, journals with their lines, evidence. Books are only added to."""

from alembic import op

from shared.db import flow_v1

revision = "0001"
down_revision = None

_TABLES = (
    """CREATE TABLE payments (
      key text CONSTRAINT pk_payments PRIMARY KEY, body bytea NOT NULL, seller text NOT NULL, cases integer NOT NULL
    ) WITH (fillfactor = 80)""",
    "CREATE INDEX ix_payments_cases ON payments (key) WHERE cases > 0",
    """CREATE TABLE journals (
      key text CONSTRAINT pk_journals PRIMARY KEY, body bytea NOT NULL, order_id text NOT NULL,
      booked_at timestamptz NOT NULL
    ) WITH (fillfactor = 80)""",
    "CREATE INDEX ix_journals_order_id ON journals (order_id)",
    """CREATE TABLE postings (
      key text CONSTRAINT pk_postings PRIMARY KEY, body bytea NOT NULL, journal text NOT NULL, order_id text NOT NULL,
      account text NOT NULL, currency text NOT NULL, minor bigint NOT NULL, what text NOT NULL
    ) WITH (fillfactor = 80)""",
    "CREATE INDEX ix_postings_order_id ON postings (order_id)",
    "CREATE INDEX ix_postings_account ON postings (account)",
    """CREATE TABLE evidence (
      key text CONSTRAINT pk_evidence PRIMARY KEY, body bytea NOT NULL, order_id text NOT NULL, at timestamptz NOT NULL
    ) WITH (fillfactor = 80)""",
    # Class 23, like a broken CHECK: whoever books one fact twice becomes a dead letter, the books stay as they are.
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'books are written once: %', OLD.key USING ERRCODE = '23514'; END $$""",
    """CREATE TRIGGER journals_written_once BEFORE UPDATE OR DELETE ON journals
      FOR EACH ROW EXECUTE FUNCTION refuse_change()""",
    """CREATE TRIGGER postings_written_once BEFORE UPDATE OR DELETE ON postings
      FOR EACH ROW EXECUTE FUNCTION refuse_change()""",
)


def upgrade() -> None:
    flow_v1.create()
    for statement in _TABLES:
        op.execute(statement)


def downgrade() -> None:
    for table in ("evidence", "postings", "journals", "payments"):
        op.execute(f"DROP TABLE {table}")
    op.execute("DROP FUNCTION refuse_change()")
    flow_v1.drop()
