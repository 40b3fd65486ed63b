"""What orders is told at start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from pydantic import Field

from services.orders.said import WINDOWS
from shared.settings import Settings


class OrdersSettings(Settings):
    """Windows are business time: divided by `time_scale`.

    accept_test_orders: what a channel marks as a test is placed; unset, only outside production.
    xiaohongshu_max_age_seconds: of a signed push (unconfirmed: whether its retry is signed anew).
    *_silent_hours: how long a partner may stay silent before a paid order is held for it (it stops nothing).
    xiaohongshu_companies: the platform's code of each of our carriers (unconfirmed), else the carrier's id.
    """

    payment_window_minutes: float = 120
    identity_window_hours: float = 72
    hold_days: float = 15
    shortage_window_hours: float = 48
    payer_attempts: int = 2
    payment_document_silent_hours: float = 2
    waybill_silent_hours: float = 6
    warehouse_silent_hours: float = 72
    customs_silent_hours: float = 72
    channel_silent_hours: float = 48
    carrier_silent_hours: float = 240
    shopify_api_version: str = "2026-01"
    accept_test_orders: bool | None = None
    standard_webhooks_tolerance_seconds: float = 300
    xiaohongshu_max_age_seconds: float = 900
    xiaohongshu_companies: Mapping[str, str] = Field(default_factory=lambda: {"cainiao": "cainiao"})

    @property
    def payment_window(self) -> timedelta:
        return timedelta(minutes=self.payment_window_minutes)

    @property
    def identity_window(self) -> timedelta:
        return timedelta(hours=self.identity_window_hours)

    @property
    def shortage_window(self) -> timedelta:
        return timedelta(hours=self.shortage_window_hours)

    @property
    def windows(self) -> Mapping[str, timedelta]:
        return {who: timedelta(hours=getattr(self, f"{who}_silent_hours")) for who in WINDOWS}

    @property
    def hold(self) -> timedelta:
        return timedelta(days=self.hold_days)

    @property
    def standard_webhooks_tolerance(self) -> timedelta:
        return timedelta(seconds=self.standard_webhooks_tolerance_seconds)

    @property
    def xiaohongshu_max_age(self) -> timedelta:
        return timedelta(seconds=self.xiaohongshu_max_age_seconds)

    @property
    def takes_test_orders(self) -> bool:
        return not self.production if self.accept_test_orders is None else self.accept_test_orders
