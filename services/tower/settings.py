"""What the tower is told at start."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from pydantic import field_validator

from shared.settings import Settings


class TowerSettings(Settings):
    """`zone` (IANA name) is the operators' clock; `hold_days` (business time) must be the same as orders' own."""

    zone: str = "Asia/Shanghai"
    hold_days: float = 15
    session_hours: float = 12
    live_streams: int = 100
    """Open pages that one process keeps up to date; the next one is asked to come back later."""

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        ZoneInfo(zone)
        return zone

    @property
    def hold(self) -> timedelta:
        return timedelta(days=self.hold_days)

    @property
    def session(self) -> timedelta:
        return timedelta(hours=self.session_hours)
