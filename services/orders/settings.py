"""What orders is told at start."""

from __future__ import annotations

from datetime import timedelta

from shared.settings import Settings


class OrdersSettings(Settings):
    """Windows are business time: divided by `time_scale`.

    accept_test_orders: what a channel marks as a test is placed; unset, only outside production.
    """

    payment_window_minutes: float = 120
    identity_window_hours: float = 72
    hold_days: float = 15
    shopify_api_version: str = "2026-01"
    accept_test_orders: bool | None = None

    @property
    def payment_window(self) -> timedelta:
        return timedelta(minutes=self.payment_window_minutes)

    @property
    def identity_window(self) -> timedelta:
        return timedelta(hours=self.identity_window_hours)

    @property
    def hold(self) -> timedelta:
        return timedelta(days=self.hold_days)

    @property
    def takes_test_orders(self) -> bool:
        return not self.production if self.accept_test_orders is None else self.accept_test_orders
