"""The flow's tables, stories and entries."""

from alembic import op

from shared.db import flow_v1

revision = "0001"
down_revision = None


def upgrade() -> None:
    flow_v1.create()
    op.execute(
        """CREATE TABLE stories (
          key text CONSTRAINT pk_stories PRIMARY KEY, body bytea NOT NULL, seller text NOT NULL, state text NOT NULL,
          level text NOT NULL, reason text NOT NULL, holds jsonb NOT NULL, ids jsonb NOT NULL,
          started_at timestamptz NOT NULL, changed_at timestamptz NOT NULL, stage_since timestamptz NOT NULL,
          ended_at timestamptz, currency text NOT NULL, in_hand bigint NOT NULL) WITH (fillfactor = 80)"""
    )
    op.execute("CREATE INDEX ix_stories_started_at ON stories (started_at, key)")
    op.execute("CREATE INDEX ix_stories_ended_at ON stories (ended_at) WHERE ended_at IS NOT NULL")
    op.execute("CREATE INDEX ix_stories_open ON stories (state, stage_since) WHERE ended_at IS NULL")
    op.execute("CREATE INDEX ix_stories_watched ON stories (level) WHERE level IN ('bad', 'warn')")
    op.execute("CREATE INDEX ix_stories_ids ON stories USING gin (ids)")
    op.execute(
        """CREATE TABLE entries (
          key text CONSTRAINT pk_entries PRIMARY KEY, body bytea NOT NULL, order_id text NOT NULL, seller text NOT NULL,
          at timestamptz NOT NULL, type text NOT NULL, service text NOT NULL, cause text NOT NULL, trace text NOT NULL,
          n integer NOT NULL, change bigint GENERATED ALWAYS AS IDENTITY) WITH (fillfactor = 80)"""
    )
    op.execute("CREATE INDEX ix_entries_order_id ON entries (order_id)")
    op.execute("CREATE INDEX ix_entries_trace ON entries (trace) WHERE trace <> ''")
    op.execute("CREATE INDEX ix_entries_change ON entries (change)")


def downgrade() -> None:
    op.execute("DROP TABLE entries")
    op.execute("DROP TABLE stories")
    flow_v1.drop()
