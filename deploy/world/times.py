"""Time as the partners write it. China has no daylight saving: a fixed offset is the whole zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final

CHINA: Final = timezone(timedelta(hours=8))


def now() -> datetime:
    return datetime.now(UTC)


def epoch() -> int:
    return int(now().timestamp())


def rfc3339(at: datetime) -> str:
    """WeChat v3 and Shopify bodies: seconds, offset of Beijing."""
    return at.astimezone(CHINA).strftime("%Y-%m-%dT%H:%M:%S+08:00")


def iso_utc(at: datetime) -> str:
    """Standard Webhooks payloads: milliseconds and Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp14(at: datetime) -> str:
    """yyyyMMddHHmmss, Beijing: customs `appTime`, WeChat v2."""
    return at.astimezone(CHINA).strftime("%Y%m%d%H%M%S")


def stamp17(at: datetime) -> str:
    """yyyyMMddHHmmssSSS, Beijing: customs `returnTime`."""
    local = at.astimezone(CHINA)
    return local.strftime("%Y%m%d%H%M%S") + f"{local.microsecond // 1000:03d}"


def wall(at: datetime) -> str:
    """Cainiao's local wall clock; the offset travels beside it."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def dxp(at: datetime) -> str:
    """`CreatTime` and `NoticeTime` of the exchange platform: local, without offset."""
    return at.astimezone(CHINA).strftime("%Y-%m-%dT%H:%M:%S")


class Serial:
    """Numbers of a fixed count of digits that start where the clock stands: a restarted world repeats none soon."""

    def __init__(self, digits: int) -> None:
        year = 31_536_000  # seconds
        self._last: int = epoch() % year * (10**digits // year)

    def next(self) -> int:
        self._last += 1
        return self._last
