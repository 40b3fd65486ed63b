"""Memory as it really is: PSS, because plain RSS counts PostgreSQL's shared buffers once per backend."""

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
