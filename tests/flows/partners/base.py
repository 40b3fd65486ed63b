"""What every partner of the walks is: a value that is asked, answers, and says things at the door by itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

AT_ONCE = timedelta(0)


@dataclass(frozen=True, slots=True)
class Says:
    """What comes in at the service's door, `after` it was said."""

    content: object
    after: timedelta = AT_ONCE


@dataclass(frozen=True, slots=True)
class Answered:
    """The partner as it then is, its answer (`after` a while: slow), and what it says at the door."""

    partner: Partner
    result: object
    says: tuple[Says, ...] = ()
    after: timedelta = AT_ONCE


class Partner(Protocol):
    @property
    def timers(self) -> frozenset[str]:
        """Kinds of work that ask nobody: their time comes, and that is all."""
        ...

    def call(self, kind: str, task: object, now: datetime) -> Answered: ...


@dataclass(frozen=True, slots=True)
class Nobody:
    """For a service that asks nobody."""

    timers: frozenset[str] = frozenset({"reservation-expiry", "reservation-retry"})

    def call(self, kind: str, task: object, now: datetime) -> Answered:
        raise AssertionError(f"nobody is asked for {kind} at {now}: {task}")
