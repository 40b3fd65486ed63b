"""The tower's fixtures; what they are is in tests/support."""

from __future__ import annotations

from tests.support.neighbour import beside
from tests.support.tower import dsn, template, tower

__all__ = ["beside", "dsn", "template", "tower"]
