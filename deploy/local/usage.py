"""What a run costs: memory as PSS (plain RSS counts PostgreSQL's shared buffers once per backend), CPU from /proc."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import psutil


def family(pid: int) -> list[int]:
    """A process and everything that it started."""
    try:
        process = psutil.Process(pid)
        return [pid, *(child.pid for child in process.children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def pss_mb(pids: Iterable[int]) -> float:
    return sum(map(_pss_kb, set(pids))) / 1024


def _pss_kb(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:  # it ended while we looked
        return 0
    return 0


def cpu_seconds(pid: int) -> float:
    """user + system time of a process, its children and those it has waited for."""
    total = 0.0
    for one in family(pid):
        try:
            times = psutil.Process(one).cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total
