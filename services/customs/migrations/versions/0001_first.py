"""The flow's tables, dossiers, envelopes and yearly amounts."""

from alembic import op

from shared.db import flow_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    flow_v1.create()
    op.execute(
        """CREATE TABLE dossiers (
          key text CONSTRAINT pk_dossiers PRIMARY KEY, body bytea NOT NULL, seller text NOT NULL, papers text NOT NULL,
          cases integer NOT NULL) WITH (fillfactor = 80)"""
    )
    op.execute("CREATE INDEX ix_dossiers_cases ON dossiers (key) WHERE cases > 0")
    op.execute(
        """CREATE TABLE envelopes (
          key text CONSTRAINT pk_envelopes PRIMARY KEY, body bytea NOT NULL) WITH (fillfactor = 80)"""
    )
    op.execute(
        """CREATE TABLE quotas (
          key text CONSTRAINT pk_quotas PRIMARY KEY, body bytea NOT NULL, year integer NOT NULL,
          used_minor bigint NOT NULL, CONSTRAINT ck_quotas_used_minor CHECK (used_minor >= 0)) WITH (fillfactor = 80)"""
    )


def downgrade() -> None:
    for table in ("quotas", "envelopes", "dossiers"):
        op.execute(f"DROP TABLE {table}")
    flow_v1.drop()
