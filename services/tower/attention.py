"""What the services have set aside for a person, and what they have not got to, as the tower is told. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, Final, Literal, get_args

Kind = Literal["dead", "stuck", "quarantine", "early", "overdue", "retrying"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
# Only a person ends these; the others end by themselves as soon as their cause, a worker or a partner is there.
FOR_PEOPLE: Final[frozenset[Kind]] = frozenset({"dead", "stuck", "quarantine"})


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One thing that a service has set aside. `behind` later ones of its lane wait in order until it is settled.

    dead: a fact that it could not take · stuck: an outcome that cannot be applied · quarantine: a message that was
    acknowledged and not understood · early: a fact whose cause has not come · overdue: work that nobody has begun ·
    retrying: an outside call that failed several times. `due`: when an early fact is given up, or work is due.
    `who`: the partner whose answer is missing. `about`: what the door knows of a message's sender.
    """

    service: str
    lane: str
    what: str
    code: str
    reason: str
    at: datetime
    attempts: int = 1
    behind: int = 0
    kind: Kind = "dead"
    due: datetime | None = None
    who: str = ""
    about: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attended:
    """What was told. `silent`: services that did not answer, so that nobody takes their silence for good news."""

    letters: tuple[DeadLetter, ...] = ()
    counts: Mapping[Kind, int] = field(default_factory=dict)
    silent: tuple[str, ...] = ()

    def of(self, kind: Kind) -> tuple[DeadLetter, ...]:
        return tuple(letter for letter in self.letters if letter.kind == kind)

    @property
    def for_people(self) -> int:
        return sum(count for kind, count in self.counts.items() if kind in FOR_PEOPLE)

    def __add__(self, other: Attended) -> Attended:
        counts = {kind: self.counts.get(kind, 0) + other.counts.get(kind, 0) for kind in KINDS}
        return Attended(self.letters + other.letters, counts, self.silent + other.silent)


Attention = Callable[[str], Awaitable[Attended]]
"""Asked with the reader's own `Authorization`: nobody is told more than a service would tell them."""


def attended(letters: Iterable[DeadLetter]) -> Attended:
    """These letters and no more of them elsewhere."""
    told = tuple(letters)
    return Attended(told, {kind: sum(letter.kind == kind for letter in told) for kind in KINDS})


def told(answer: Mapping[str, Any]) -> Attended:
    """A service's answer to GET /internal/{service}/operations. Raises KeyError or ValueError for anything else."""
    service = str(answer["service"])
    letters = tuple(_letter(service, row) for row in answer["rows"] if row["kind"] in KINDS)
    return Attended(letters, {kind: int(answer["counts"].get(kind, 0)) for kind in KINDS})


def _letter(service: str, row: Mapping[str, Any]) -> DeadLetter:
    return DeadLetter(
        service, str(row["lane"]), str(row["what"]), str(row["code"]), str(row["reason"]), _time(row["at"]),
        int(row["attempts"]), int(row["behind"]), row["kind"], _time(row["due"]) if row["due"] else None,
        str(row.get("who") or ""), {str(name): str(text) for name, text in dict(row.get("about") or {}).items()},
    )  # fmt: skip


def _time(value: object) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromisoformat(str(value))


@dataclass(frozen=True, slots=True)
class Group:
    """Letters that one mending settles: the same service and the same code."""

    service: str
    code: str
    letters: tuple[DeadLetter, ...]

    @property
    def behind(self) -> int:
        return sum(letter.behind for letter in self.letters)


def grouped(letters: Iterable[DeadLetter]) -> tuple[Group, ...]:
    """The largest group first, the oldest letter first inside."""
    ordered = sorted(letters, key=lambda letter: (*_of(letter), letter.at))
    groups = [Group(service, code, tuple(members)) for (service, code), members in groupby(ordered, key=_of)]
    return tuple(sorted(groups, key=lambda group: (-len(group.letters), group.service, group.code)))


def _of(letter: DeadLetter) -> tuple[str, str]:
    return letter.service, letter.code
