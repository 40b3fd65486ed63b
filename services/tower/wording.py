"""Words, times and durations for people, in two languages. A catalogue maps dotted names to texts with named gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Final, Literal

Language = Literal["en", "zh"]
LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")
LABELS: Final[Mapping[Language, str]] = {"en": "English", "zh": "中文"}
TAGS: Final[Mapping[Language, str]] = {"en": "en", "zh": "zh-Hans"}
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNITS: Final = ((86400, "d", "天"), (3600, "h", "小时"), (60, "min", "分钟"), (1, "s", "秒"))


class _Gaps(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "–"


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested tables as dotted names; a pair of texts is `.title` and `.more`."""
    found: dict[str, str] = {}
    for name, value in tree.items():
        key = f"{prefix}{name}"
        match value:
            case dict():
                found |= flat(value, f"{key}.")
            case list():
                found |= {f"{key}.{part}": text for part, text in zip(("title", "more"), value, strict=True)}
            case _:
                found[key] = str(value)
    return found


@dataclass(frozen=True)
class Words:
    """One language and one clock. A name that this catalogue lacks is looked up in `fallback`, then shown as it is."""

    language: Language
    texts: Mapping[str, str]
    zone: tzinfo
    fallback: Mapping[str, str]

    @property
    def tag(self) -> str:
        return TAGS[self.language]

    def has(self, key: str) -> bool:
        return key in self.texts or key in self.fallback

    def t(self, key: str, **values: object) -> str:
        text = self.texts.get(key) or self.fallback.get(key)
        return key if text is None else text.format_map(_Gaps(values))

    def first(self, *keys: str, **values: object) -> str:
        """The first of these names that is known; the last one stands for all others."""
        return self.t(next((key for key in keys if self.has(key)), keys[-1]), **values)

    def span(self, duration: timedelta) -> str:
        """Two units at most: `3 d 2 h`, `3天2小时`."""
        seconds = max(0, round(duration.total_seconds()))
        if seconds < 1:
            return "<1 s" if self.language == "en" else "<1秒"
        parts: list[str] = []
        for size, en, zh in _UNITS:
            count, seconds = divmod(seconds, size)
            if count:
                parts.append(f"{count} {en}" if self.language == "en" else f"{count}{zh}")
            elif parts:
                break  # `1 d 3 min` says more than anybody wants to know
        return (" " if self.language == "en" else "").join(parts[:2])

    def local(self, at: datetime) -> datetime:
        """On this clock; within a day of the calendar's two ends, where no offset can be added, as it was stored."""
        try:
            return at.astimezone(self.zone)
        except OverflowError:
            return at

    def day(self, at: datetime) -> str:
        local = self.local(at)
        return f"{local.day} {_MONTHS[local.month - 1]}" if self.language == "en" else f"{local.month}月{local.day}日"

    def clock(self, at: datetime, *, seconds: bool = False) -> str:
        return self.local(at).strftime("%H:%M:%S" if seconds else "%H:%M")

    def exact(self, at: datetime) -> str:
        return f"{self.local(at):%Y-%m-%d %H:%M:%S %Z}"

    def moment(self, at: datetime) -> str:
        return f"{self.day(at)} {self.clock(at)}"
