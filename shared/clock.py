"""Time as something handed in: nobody asks the system clock but this module."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class FrozenClock:
    """Stands still until told: tests skip days, they do not sleep."""

    def __init__(self, at: datetime) -> None:
        self._now = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def skip(self, delta: timedelta) -> None:
        self._now += delta


def scaled(duration: timedelta, time_scale: float) -> timedelta:
    """A business duration as this installation lives it (1 in production; a demo lives days in seconds).

    Signature windows, leases and client timeouts are never scaled.
    """
    return duration / time_scale
