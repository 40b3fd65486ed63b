"""What the services have set aside for a person, as the tower is told: dead letters and quarantined receipts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that a service could not take. `behind` later ones of its lane wait in order until it is settled."""

    service: str
    lane: str
    what: str
    code: str
    reason: str
    at: datetime
    attempts: int = 1
    behind: int = 0


Attention = Callable[[], Awaitable[Sequence[DeadLetter]]]


async def nothing() -> Sequence[DeadLetter]:
    return ()


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


MOST: Final = 500
