"""How a person closes a case: asked and answered alike by every service that keeps cases.

`POST …/close {"note": …}` → 200 with what is left open of this order; 404 where no such case ever was. The note and who
wrote it are kept. Closed once more it stays as it was, and the answer is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, StringConstraints

from shared.flow.decision import Decision, Reply
from shared.http.problem import NotFound, problem_reply

Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
NO_SUCH_CASE: Final = Decision(reply=problem_reply(NotFound("no such case")))


class Closing(BaseModel):
    """How the case was settled, for whoever looks later."""

    model_config = ConfigDict(extra="forbid")

    note: Sentence


class LeftOpen(BaseModel):
    """The order's cases that are still open, each by what closes it."""

    cases: list[dict[str, Any]]


def left_open(cases: Iterable[Mapping[str, object]]) -> Reply:
    return Reply(200, json.dumps({"cases": [dict(case) for case in cases]}).encode())
