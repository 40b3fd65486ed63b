"""The live view: a few lines that redraw themselves in a terminal, one line now and then in a log."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Final, TextIO

BAR: Final = 32
QUIET_EVERY: Final = 10.0  # seconds between lines where nobody watches


class View:
    def __init__(self, total: int, out: TextIO = sys.stdout) -> None:
        self._total, self._out = total, out
        self._drawn, self._spoken_at = 0, float("-inf")

    def show(self, at: float, lines: Mapping[str, str], done: int) -> None:
        filled = BAR * done // max(self._total, 1)
        bar = f"[{'█' * filled}{'·' * (BAR - filled)}] {done}/{self._total} settled"
        if self._out.isatty():
            body = [f"  {bar}", *(f"  {name:<12} {text}" for name, text in lines.items())]
            up = f"\x1b[{self._drawn}F" if self._drawn else ""
            self._out.write(up + "".join(f"\x1b[2K{line}\n" for line in body))
            self._drawn = len(body)
        elif at - self._spoken_at >= QUIET_EVERY:
            self._spoken_at = at
            self._out.write(f"{bar} · " + " · ".join(f"{name} {text}" for name, text in lines.items()) + "\n")
        self._out.flush()
