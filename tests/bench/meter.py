"""CPU per operation, ours and PostgreSQL's, from /proc: it moves far less than a rate when others use the machine."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

TICKS: Final = os.sysconf("SC_CLK_TCK")


def tree_seconds(pid: int) -> float:
    """user + system seconds of a process and all its children, the reaped ones too."""
    parents: dict[int, list[int]] = {}
    used: dict[int, float] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:  # it ended while we looked
                continue
            fields = stat[stat.rindex(")") + 2 :].split()
            parents.setdefault(int(fields[1]), []).append(int(entry.name))
            used[int(entry.name)] = sum(map(int, fields[11:15])) / TICKS
    total, todo = 0.0, [pid]
    while todo:
        one = todo.pop()
        total += used.get(one, 0.0)
        todo += parents.get(one, [])
    return total


@dataclass
class Meter:
    """Between `with` and its end: seconds of this process (or `pid`), of `others`, and of the clock."""

    others: tuple[int, ...] = ()
    pid: int | None = None
    cpu: float = 0.0
    wall: float = 0.0
    _before: float = field(default=0.0, repr=False)
    _at: float = field(default=0.0, repr=False)

    def __enter__(self) -> Meter:
        self._before, self._at = self._now(), time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu, self.wall = self._now() - self._before, time.perf_counter() - self._at

    def _now(self) -> float:
        own = time.process_time() if self.pid is None else tree_seconds(self.pid)
        return own + sum(map(tree_seconds, self.others))


@dataclass(frozen=True)
class Figure:
    """One line of the result. `bare` is the same run's floor; `bound` is what the ratio (or the value) may reach."""

    name: str
    value: float
    unit: str
    bare: float | None = None
    bound: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return None if self.bare is None else self.value / self.bare

    @property
    def met(self) -> bool | None:
        reached = self.value if self.ratio is None else self.ratio
        return None if self.bound is None else reached <= self.bound

    def line(self) -> str:
        """For a terminal: the value, what it is set beside, and whether the bound holds."""
        text = f"{self.name:<22} {self.value:>10,.1f} {self.unit}"
        if self.bare is not None and self.ratio is not None:
            text += f"  bare {self.bare:,.1f}  ratio {self.ratio:.2f}"
        if self.bound is not None:
            text += f"  bound {self.bound:g} {'met' if self.met else 'MISSED'}"
        return f"{text}\n{'':<24}{self.note}" if self.note else text

    def as_json(self) -> dict[str, Any]:
        return {
            "value": round(self.value, 3), "unit": self.unit, "bare": _rounded(self.bare),
            "ratio": _rounded(self.ratio),
            "bound": self.bound, "met": self.met, "note": self.note,
        }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
