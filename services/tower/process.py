"""The tower decides nothing: every fact of every topic becomes one line of a story, and its story moves on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from services.tower.answer import standing
from services.tower.finding import public_code
from services.tower.stages import stage_of
from services.tower.steps import ROWS, level_of, told_by
from services.tower.story import Entry, Story
from services.tower.told import told
from shared.events.envelope import Envelope
from shared.events.topics import TOPICS
from shared.flow.decision import Answer, Decision, Kind, Process, Reach, States

STORY: Final = Kind("story", Story)
ENTRY: Final = Kind("entry", Entry)
ORDER_KEY: Final = "order_id"
_NO_TRACE: Final = "0" * 32


def reach(content: object) -> Reach:
    """The record's key is the lane; a fact of an order reads that order's story, one of a shelf has none."""
    envelope = _envelope(content)
    key = envelope.event.key
    return Reach((key,), (STORY.key(key),) if envelope.event.key_field == ORDER_KEY else ())


def decide(ways: Mapping[str, str], states: States, content: object, _: datetime) -> Answer:
    """Nothing is ever early here: topics overtake each other, and a story is complete when its last fact is in.

    ways: the corridor's flows and their kinds.
    """
    envelope = _envelope(content)
    fact = envelope.event
    if fact.key_field != ORDER_KEY:
        line = entry(envelope, 1)
        return Decision(puts=(ENTRY.put(line.id, line),))
    before = states.get(STORY, fact.key) or _begun(envelope)
    if way := ways.get(getattr(fact, "flow", "")):
        before = replace(before, way=way)
    after = _standing(told_by(before, fact, envelope.time), envelope.time)
    line = entry(envelope, after.facts)
    return Decision(puts=(STORY.put(fact.key, after), ENTRY.put(line.id, line)))


def _envelope(content: object) -> Envelope:
    assert isinstance(content, Envelope)
    return content


def _begun(envelope: Envelope) -> Story:
    order_id = envelope.event.key
    story = Story(order_id, envelope.time, envelope.time, seller=str(getattr(envelope.event, "seller", "")))
    return story.named(order_id=order_id, code=public_code(order_id))


def _standing(story: Story, at: datetime) -> Story:
    """Counted, dated, and with what all tracks together say."""
    stage = stage_of(story)
    found = standing(story, stage)
    since = story.stage_since if stage == story.stage else at
    return replace(
        story, facts=story.facts + 1, stage=stage.value, stage_since=since, level=found.level, reason=found.reason,
        started_at=min(story.started_at, at), changed_at=max(story.changed_at, at),
    )  # fmt: skip


def entry(envelope: Envelope, number: int) -> Entry:
    fact = envelope.event
    return Entry(
        id=str(envelope.id), order_id=fact.key, seller=str(getattr(fact, "seller", "")), at=envelope.time,
        type=fact.type, service=fact.type.split(".", 1)[0], lane=ROWS[type(fact)].lane, level=level_of(fact),
        cause=envelope.cause.id, trace=trace_id(envelope.cause.traceparent), n=number, values=told(fact),
    )  # fmt: skip


def trace_id(traceparent: str) -> str:
    """The 32 hexadecimal digits of a W3C trace context; "" where there is none. A forged header is nobody's trace."""
    parts = traceparent.split("-")
    found = parts[1] if len(parts) == 4 else ""
    known = len(found) == 32 and set(found) <= set("0123456789abcdef") and found != _NO_TRACE
    return found if known else ""


def make_process(ways: Mapping[str, str] | None = None) -> Process:
    facts = frozenset(fact for topic in TOPICS if "tower" in topic.consumers for fact in topic.events)
    return Process("tower", facts, reach, partial(decide, ways or {}), envelopes=True)
