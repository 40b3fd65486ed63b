"""The tower's fixtures; what they are is in tests/support/tower.py."""

from __future__ import annotations

from tests.support.tower import dsn, template, tower

__all__ = ["dsn", "template", "tower"]
