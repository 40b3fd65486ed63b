"""What catalog is told at start."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from shared.settings import Settings


class CatalogSettings(Settings):
    """seed: a file of products and stock that a new installation begins with; without one it begins empty.

    reservation_window_hours: business time for which unpaid goods stay set aside; longer than a payment may take.

    shortage_retry_minutes: business time between two looks for the goods of an order that waits for them.

    shelf_life_days: how long goods must still keep on the day when they are set aside.
    """

    reservation_window_hours: float = 96
    shortage_retry_minutes: float = 15
    shelf_life_days: int = 30
    seed: Path | None = None

    @property
    def reservation_window(self) -> timedelta:
        return timedelta(hours=self.reservation_window_hours)
