"""What the page of one order is made of: its story from here, its money, papers and cases from who keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services.tower import store
from services.tower.cases import Case, cases, of_story
from services.tower.client import Answer
from services.tower.drawing import LANES
from services.tower.ledger import Call, Ledger, calls, ledger
from services.tower.pages_frame import Frame, Visit
from services.tower.saying import lifting, said
from services.tower.sheets import SHEETS, compared, differing, side_by_side
from services.tower.story import Story
from services.tower.strip import strip
from services.tower.timeline import QUIET, SHORTEST, Line, chosen, expected, folded, lines, traces
from shared.logs import logger

log = logger("tower.pages")


def row(frame: Frame, visit: Visit, story: Story) -> dict[str, Any]:
    return {"story": story, "said": said(visit.words, story, frame.pace, visit.now)}


async def whole_order(frame: Frame, visit: Visit, story: Story) -> dict[str, Any]:
    """Everything that the template says. Another service's silence takes its own part away, and no other."""
    told = await store.lines(frame.service.resources.read, story)
    whole = lines(told, max(frame.pace.real(QUIET), SHORTEST))
    answers = await frame.colleagues.about(story.id, visit.authorization)
    return {
        **row(frame, visit, story),
        **_told(visit, story, whole),
        **_papers(story, answers["customs"]),
        **_money(answers["payments"], whole),
        "holds": [lifting(visit.words, story, hold) for hold in story.holding],
        "lifted": [lifting(visit.words, story, hold) for hold in story.holds.values() if hold.lifted],
        "cases": _cases(story, answers),
        "strip": strip(story),
    }


def _told(visit: Visit, story: Story, whole: Sequence[Line]) -> dict[str, Any]:
    tracks = [lane for lane in visit.request.query_params.getlist("track") if lane in LANES]
    problems = visit.asked("problems") == "1"
    shown, left_out = folded(chosen(whole, tracks, problems=problems))
    return {
        "lines": shown, "left_out": left_out, "count": len(whole), "lanes": LANES, "tracks": tracks,
        "problems": problems, "traces": traces(whole), "expected": () if tracks or problems else expected(story),
    }  # fmt: skip


def _papers(story: Story, answer: Answer) -> dict[str, Any]:
    """Customs' own comparison where it has one; else, and for what it only watches, what facts tell."""
    rows, by_customs = side_by_side(story), False
    try:
        theirs = compared(answer.body) if answer.state == "told" and not story.watched else ()
        rows, by_customs = (theirs, True) if theirs else (rows, False)
    except (KeyError, TypeError, ValueError) as error:
        answer = _not_understood("customs", error)
    return {
        "sheets": SHEETS,
        "sheet_rows": rows,
        "differ": differing(rows, story),
        "customs": answer,
        "compared": by_customs,
    }


def _money(answer: Answer, whole: Sequence[Line]) -> dict[str, Any]:
    books: Ledger | None = None
    pending: tuple[Call, ...] = ()
    try:
        if answer.state == "told":
            books, pending = ledger(answer.body, whole), calls(answer.body)
    except (KeyError, TypeError, ValueError) as error:
        answer = _not_understood("payments", error)
    return {"books": books, "pending": pending, "payments": answer}


def _not_understood(service: str, error: Exception) -> Answer:
    log.warning("an answer is not understood", service=service, reason=type(error).__name__)
    return Answer("silent")


def _cases(story: Story, answers: Mapping[str, Answer]) -> list[Case]:
    found = [case for name, answer in answers.items() for case in cases(name, answer.body)]
    return [*found, *of_story(story)]
