"""Sentences about orders and facts in the reader's language. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.tower.answer import HOLD_OWNERS, SLOW, Answer, answer, main_hold, plain
from services.tower.stages import Pace, Stage
from services.tower.story import Entry, Hold, Story
from services.tower.wording import Words


@dataclass(frozen=True, slots=True)
class Said:
    """Why it is here, what happens next, and who acts."""

    answer: Answer
    why: str
    next: str
    acts: str


def said(words: Words, story: Story, pace: Pace, now: datetime) -> Said:
    """What is late says first what it waits for, and then that it is late."""
    found = answer(story, pace, now)
    acts = words.t(f"owner.{found.owner}")
    values = _values(words, story, pace, now) | {"owner": acts}
    if found.reason == SLOW:
        beneath = plain(story, now).reason
        values |= {"plain": _sentence(words, "why", beneath, values), "then": _sentence(words, "next", beneath, values)}
    why, then = (_sentence(words, part, found.reason, values) for part in ("why", "next"))
    return Said(found, why, then, acts)


def _sentence(words: Words, part: str, reason: str, values: Mapping[str, str]) -> str:
    other = reason.partition(".")[0] + ".other"  # a hold that nobody has worded yet
    return words.first(f"{part}.{reason}", f"{part}.{other}", **values)


@dataclass(frozen=True, slots=True)
class Lifting:
    """One hold: its name, why it is there, what lifts it and who acts."""

    hold: Hold
    name: str
    why: str
    next: str
    acts: str


# The hold of customs has one name for all that customs may say; what lifts it differs.
_CUSTOMS: Final = {"held": "customs_held", "detained": "customs_detained", "mismatched": "customs_mismatched"}


def lifting(words: Words, story: Story, hold: Hold) -> Lifting:
    name = _CUSTOMS.get(story.state("inventory"), hold.name) if hold.name == "customs" else hold.name
    given = {"hold": hold.name, "hold_reason": cause(words, hold.reason), "trouble": cause(words, story.trouble)}
    values = {name: text for name, text in given.items() if text}
    return Lifting(
        hold,
        reason(words, f"hold.{name}"),
        words.first(f"why.hold.{name}", "why.hold.other", **values),
        words.first(f"next.hold.{name}", "next.hold.other", **values),
        words.t(f"owner.{'customs' if name == 'customs_held' else HOLD_OWNERS.get(name, 'operator')}"),
    )


def _values(words: Words, story: Story, pace: Pace, now: datetime) -> dict[str, str]:
    hold = main_hold(story) if story.holding else None
    limit = pace.limit(Stage(story.stage)) if story.stage else None
    values = {
        "stage": words.t(f"stage.{story.stage}"),
        "age": words.span(now - story.stage_since) if story.stage_since else "",
        "limit": words.span(limit) if limit else "",
        "expires": words.moment(story.purse.expires_at) if story.purse.expires_at else "",
        "trouble": cause(words, story.trouble),
        "left": leaving(words, story),
        "after": milestone(words, next((p.late_after for p in story.parcels.values() if p.late_after), "")),
        "master_bill": story.numbers.get("master_bill", ""),
        "conflict": story.conflict,
        "hold": hold.name if hold else "",
        "hold_reason": hold.reason if hold else "",
    }
    return {name: text for name, text in values.items() if text}


def leaving(words: Words, story: Story) -> str:
    """Who wanted out and why, as far as it was told."""
    who = words.t(f"value.by.{story.left_by}") if story.left_by else ""
    return (": " if words.language == "en" else "：").join(filter(None, (who, cause(words, story.left_for))))


def cause(words: Words, text: str) -> str:
    """A code of ours in words; what a person wrote stays as it was written."""
    key = f"cause.{text}"
    return words.t(key) if words.has(key) else text


def reason(words: Words, name: str) -> str:
    """A reason without its order: for groups and filters. A stage is the reason of what is simply on its way."""
    return words.first(f"reason.{name}", f"stage.{name}", "reason.hold.other", hold=name.removeprefix("hold."))


def title(words: Words, entry: Entry) -> str:
    return words.first(f"fact.{entry.type}.title", entry.type, **_told(words, entry.values))


def detail(words: Words, entry: Entry) -> str:
    key = f"fact.{entry.type}.more"
    said = words.t(key, **_told(words, entry.values)).strip() if words.has(key) else ""
    return said.removeprefix("– · ").removeprefix("–")


def sheet(words: Words, field: str, text: str) -> str:
    """What a document says in one field; the few of our own words among them in the reader's."""
    if field == "grams":
        return f"{int(text):,} g" if text.isdecimal() else text
    return words.t(f"value.identity_check.{text}") if field == "payer" else text


def _told(words: Words, values: Mapping[str, str]) -> dict[str, str]:
    return {name: _value(words, name, text) for name, text in values.items()}


def _value(words: Words, name: str, text: str) -> str:
    if name in ("milestone", "after"):
        return milestone(words, text)
    if name == "hold":
        return reason(words, f"hold.{text}")
    if name == "reason":
        return cause(words, text)
    if words.has(key := f"value.{name}.{text}"):
        return words.t(key)
    return _time(words, text) if name.endswith("at") or name == "since" else text


def milestone(words: Words, name: str) -> str:
    key = f"milestone.{name}"
    return words.t(key) if words.has(key) else name.replace("_", " ")


def _time(words: Words, text: str) -> str:
    try:
        return words.moment(datetime.fromisoformat(text))
    except ValueError:
        return text
