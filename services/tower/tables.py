"""What the tower keeps: one story per order, one entry per fact."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Final

from sqlalchemy import BigInteger, Column, DateTime, Identity, Index, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB

from services.tower.finding import index_words
from services.tower.process import ENTRY, STORY
from services.tower.story import Story
from shared.db.flow_tables import flow_tables, new_metadata
from shared.flow.tables import StateTable, state_table

metadata = new_metadata()
flow_tables(metadata)

# Indexed columns change rarely (a stage, a number, an end), so that most facts rewrite a row on its own page.
# Lists are JSON: the write unnests one array per column, and PostgreSQL would unnest an array of arrays whole.
STORIES: Final = state_table(
    metadata,
    "stories",
    Column("seller", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("holds", JSONB, nullable=False),
    Column("ids", JSONB, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
    Column("stage_since", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("currency", Text, nullable=False),
    Column("in_hand", BigInteger, nullable=False),
    Index("ix_stories_started_at", "started_at", "key"),
    Index("ix_stories_ended_at", "ended_at", postgresql_where="ended_at IS NOT NULL"),
    Index("ix_stories_open", "state", "stage_since", postgresql_where="ended_at IS NULL"),
    Index("ix_stories_watched", "level", postgresql_where="level IN ('bad', 'warn')"),
    Index("ix_stories_ids", "ids", postgresql_using="gin"),
)
ENTRIES: Final = state_table(
    metadata,
    "entries",
    Column("order_id", Text, nullable=False),
    Column("seller", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("type", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("cause", Text, nullable=False),
    Column("trace", Text, nullable=False),
    Column("n", Integer, nullable=False),
    # Drawn by the database: what the live stream calls its change number.
    Column("change", BigInteger, Identity(always=True), nullable=False),
    Index("ix_entries_order_id", "order_id"),
    Index("ix_entries_trace", "trace", postgresql_where="trace <> ''"),
    Index("ix_entries_change", "change"),
)


@lru_cache(maxsize=4096)  # an order's numbers come with few of its facts
def _index(ids: tuple[str, ...]) -> str:
    return json.dumps(index_words(ids))


def _in_hand(story: Story) -> int:
    money = story.purse.in_hand
    return money.minor if money else 0


TABLES: Final = (
    StateTable(
        STORY,
        STORIES,
        {
            "seller": lambda story: story.seller,
            "state": lambda story: story.stage,
            "level": lambda story: story.level.value,
            "reason": lambda story: story.reason,
            "holds": lambda story: json.dumps([hold.name for hold in story.holding]),
            "ids": lambda story: _index(story.ids),
            "started_at": lambda story: story.started_at,
            "changed_at": lambda story: story.changed_at,
            "stage_since": lambda story: story.stage_since,
            "ended_at": lambda story: story.ended_at,
            "currency": lambda story: story.purse.in_hand.currency if story.purse.in_hand else "",
            "in_hand": _in_hand,
        },
    ),
    StateTable(
        ENTRY,
        ENTRIES,
        {
            "order_id": lambda entry: entry.order_id,
            "seller": lambda entry: entry.seller,
            "at": lambda entry: entry.at,
            "type": lambda entry: entry.type,
            "service": lambda entry: entry.service,
            "cause": lambda entry: entry.cause,
            "trace": lambda entry: entry.trace,
            "n": lambda entry: entry.n,
        },
    ),
)
