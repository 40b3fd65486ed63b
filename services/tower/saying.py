"""Sentences about orders and facts in the reader's language. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.tower.answer import HOLD_OWNERS, SLOW, Answer, answer, main_hold, plain
from services.tower.attention import DeadLetter
from services.tower.cases import Case
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
    worded = f"hold.{_named(story, main_hold(story))}" if found.reason.startswith("hold.") else found.reason
    acts = words.t(f"owner.{found.owner}")
    values = _values(words, story, pace, now) | {"owner": acts}
    if found.reason == SLOW:
        beneath = plain(story, now).reason
        values |= {"plain": _sentence(words, "why", beneath, values), "then": _sentence(words, "next", beneath, values)}
    why, then = (_sentence(words, part, worded, values) for part in ("why", "next"))
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
    told: str = ""


# The hold of customs has one name for all that customs may say; what lifts it differs.
_CUSTOMS: Final = {"held": "customs_held", "detained": "customs_detained", "mismatched": "customs_mismatched"}


def lifting(words: Words, story: Story, hold: Hold) -> Lifting:
    name = _named(story, hold)
    given = {
        "hold": hold.name, "hold_reason": cause(words, hold.reason), "trouble": cause(words, story.trouble),
        "currency": story.purse.total.currency if story.purse.total else "",
    }  # fmt: skip
    values = {name: text for name, text in given.items() if text}
    return Lifting(
        hold,
        words.first(f"reason.hold.{name}", f"reason.hold.{hold.name}", "reason.hold.other", hold=hold.name),
        words.first(f"why.hold.{name}", "why.hold.other", **values),
        words.first(f"next.hold.{name}", "next.hold.other", **values),
        words.t(f"owner.{'customs' if name == 'customs_held' else HOLD_OWNERS.get(hold.name, 'operator')}"),
        _reason(words, hold),
    )


def _named(story: Story, hold: Hold) -> str:
    """The hold as it is worded: two names stand for more than one thing, and facts tell which."""
    match hold.name:
        case "customs":
            return _CUSTOMS.get(story.state("inventory"), hold.name)
        case "payment_not_declarable":
            return f"{hold.name}_{_undeclarable(story)}"
        case _:
            return hold.name


def _undeclarable(story: Story) -> str:
    """Our own payment, whose document was refused; an order in another currency; or yuan that came by another way."""
    if story.state("payment_paper") == "refused":
        return "refused"
    total = story.purse.total
    return "foreign" if total is not None and total.currency != "CNY" else "elsewhere"


def _reason(words: Words, hold: Hold) -> str:
    """What was written beside a hold. Orders' own sentence is English; the other catalogue says the same as `why`."""
    known = words.has(f"cause.{hold.reason}")
    if hold.reason == hold.name or (words.language != "en" and not known and words.has(f"why.hold.{hold.name}")):
        return ""
    return cause(words, hold.reason)


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
        "conflict": conflict(words, story.conflict),
        "currency": story.purse.total.currency if story.purse.total else "",
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


_WHILE: Final = re.compile(r"([a-z-]+(?:\.[a-z-]+)+) while ([a-z_]+)")
_BY_CHANNEL: Final = "the channel: "


def conflict(words: Words, text: str) -> str:
    """What a case of orders says: a fact that came in a state where it cannot be true, or a sentence of ours."""
    if (found := _WHILE.fullmatch(text)) and words.has(f"fact.{found[1]}.title"):
        state = words.first(f"step.{found[2]}", "reason.hold.other", hold=found[2])
        return words.t("cases.while", fact=words.t(f"fact.{found[1]}.title"), type=found[1], state=state)
    if text.startswith(_BY_CHANNEL):
        return words.t("cases.by_channel", reason=cause(words, text.removeprefix(_BY_CHANNEL)))
    return cause(words, text)


def case_title(words: Words, case: Case) -> str:
    """A code that nobody has worded yet is shown as it is."""
    return words.first(f"case.{case.service}.{case.code}.title", case.code)


def case_detail(words: Words, case: Case) -> str:
    return conflict(words, case.detail) if case.service == "orders" else case.detail


def case_do(words: Words, case: Case) -> str:
    """What to do, in one line; "" where nobody has worded it."""
    key = f"case.{case.service}.{case.code}.more"
    return words.t(key) if words.has(key) else ""


def letter(words: Words, one: DeadLetter) -> str:
    """Why it is set aside. Of work: whose answer is missing; of everything else what the service said."""
    if not one.what.startswith("work "):
        return one.reason
    who = words.t(f"owner.{one.who}") if one.who else words.t("owner.service")
    if one.kind == "stuck":
        return words.t("letter.stuck", who=who)
    if one.code == "work.not_begun":
        return words.t("letter.not_begun")
    return words.t("letter.partner" if one.who else "letter.own", who=who)


def reason(words: Words, name: str) -> str:
    """A reason without its order: for groups and filters. A stage is the reason of what is simply on its way."""
    return words.first(f"reason.{name}", f"stage.{name}", "reason.hold.other", hold=name.removeprefix("hold."))


def title(words: Words, entry: Entry) -> str:
    return words.first(f"fact.{entry.type}.title", entry.type, **_told(words, entry.values))


def detail(words: Words, entry: Entry) -> str:
    key = f"fact.{entry.type}.more"
    values = entry.values
    if entry.type == "orders.order.hold-set" and (hold := values.get("hold")):
        values = {**values, "reason": _reason(words, Hold(hold, values.get("reason", ""), entry.at))}
    said = words.t(key, **_told(words, values)).strip() if words.has(key) else ""
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
    if name == "detail":
        return conflict(words, text)
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
