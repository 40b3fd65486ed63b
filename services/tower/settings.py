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
    catalog_url: str = ""
    orders_url: str = ""
    payments_url: str = ""
    logistics_url: str = ""
    customs_url: str = ""
    """Where the other services listen, without a slash at the end; "" and the tower does not ask that service."""
    ask_seconds: float = 1.5
    """Real time that a page waits for another service before it says that it cannot be reached."""

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        ZoneInfo(zone)
        return zone

    trace_url: str = ""
    """Where a trace is shown, with `{id}` in it (http://localhost:16686/trace/{id}); "" and trace ids lead nowhere."""

    @field_validator("trace_url")
    @classmethod
    def _web(cls, url: str) -> str:
        if url and not url.startswith(("https://", "http://")):
            raise ValueError("an http or https address, or nothing")
        return url

    @property
    def urls(self) -> dict[str, str]:
        return {
            "catalog": self.catalog_url, "orders": self.orders_url, "payments": self.payments_url,
            "logistics": self.logistics_url, "customs": self.customs_url,
        }  # fmt: skip

    @property
    def hold(self) -> timedelta:
        return timedelta(days=self.hold_days)

    @property
    def session(self) -> timedelta:
        return timedelta(hours=self.session_hours)
