"""Sentences about orders and facts in the reader's language. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.tower.answer import Answer, answer, main_hold
from services.tower.stages import Pace, Stage
from services.tower.story import Entry, Story
from services.tower.wording import Words


@dataclass(frozen=True, slots=True)
class Said:
    """Why it is here, what happens next, and who acts."""

    answer: Answer
    why: str
    next: str
    acts: str


def said(words: Words, story: Story, pace: Pace, now: datetime) -> Said:
    found = answer(story, pace, now)
    values = _values(words, story, pace, now) | {"owner": words.t(f"owner.{found.owner}")}
    other = found.reason.partition(".")[0] + ".other"  # a hold that nobody has worded yet
    return Said(
        found,
        words.first(f"why.{found.reason}", f"why.{other}", **values),
        words.first(f"next.{found.reason}", f"next.{other}", **values),
        words.t(f"owner.{found.owner}"),
    )


def _values(words: Words, story: Story, pace: Pace, now: datetime) -> dict[str, str]:
    hold = main_hold(story) if story.holding else None
    limit = pace.limit(Stage(story.stage)) if story.stage else None
    values = {
        "stage": words.t(f"stage.{story.stage}"),
        "age": words.span(now - story.stage_since) if story.stage_since else "",
        "limit": words.span(limit) if limit else "",
        "expires": words.moment(story.purse.expires_at) if story.purse.expires_at else "",
        "trouble": story.trouble,
        "conflict": story.conflict,
        "hold": hold.name if hold else "",
        "hold_reason": hold.reason if hold else "",
    }
    return {name: text for name, text in values.items() if text}


def reason(words: Words, name: str) -> str:
    """A reason without its order: for groups and filters. A stage is the reason of what is simply on its way."""
    return words.first(f"reason.{name}", f"stage.{name}", "reason.hold.other", hold=name.removeprefix("hold."))


def title(words: Words, entry: Entry) -> str:
    return words.first(f"fact.{entry.type}.title", entry.type, **_told(words, entry.values))


def detail(words: Words, entry: Entry) -> str:
    key = f"fact.{entry.type}.more"
    return words.t(key, **_told(words, entry.values)).strip() if words.has(key) else ""


def _told(words: Words, values: Mapping[str, str]) -> dict[str, str]:
    return {name: _value(words, name, text) for name, text in values.items()}


def _value(words: Words, name: str, text: str) -> str:
    if name == "milestone":
        return milestone(words, text)
    if name == "hold":
        return reason(words, f"hold.{text}")
    return _time(words, text) if name.endswith("at") else text


def milestone(words: Words, name: str) -> str:
    key = f"milestone.{name}"
    return words.t(key) if words.has(key) else name.replace("_", " ")


def _time(words: Words, text: str) -> str:
    try:
        return words.moment(datetime.fromisoformat(text))
    except ValueError:
        return text
