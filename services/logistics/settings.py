"""What logistics is told at start."""

from __future__ import annotations

from shared.settings import Settings


class LogisticsSettings(Settings):
    """Partners' addresses, and the LINK names that are agreed per partner (only the event callback's is confirmed)."""

    world_url: str = "http://127.0.0.1:9100"
    """Base of partners that have no address of their own here."""
    cainiao_url: str = ""
    warehouse_url: str = ""
    cainiao_to_code: str = ""
    cainiao_event_callback: str = "CAINIAO_GLOBAL_PARCEL_EVENT_CALLBACK"
    cainiao_trace_push: str = "TRACEPUSH"
    cainiao_document_answer: str = "CORRIDOR_WAYBILL_DECLARED"
    cainiao_book: str = "CORRIDOR_WAYBILL_BOOK"
    cainiao_void: str = "CORRIDOR_WAYBILL_CANCEL"
    cainiao_intercept: str = "CORRIDOR_PARCEL_INTERCEPT"
    cainiao_encoding: str = "utf-8"
    seventeentrack_url: str = ""
    seventeentrack_version: str = "v2.2"
    seventeentrack_carrier: int = 0
    """17TRACK's own number of the carrier; 0 lets it find out."""
    watch_parcels: bool = True
    """Whether silence and missed promises are spoken."""

    @property
    def cainiao_gateway(self) -> str:
        return self.cainiao_url or f"{self.world_url}/cainiao/link"

    @property
    def warehouse_gateway(self) -> str:
        return self.warehouse_url or f"{self.world_url}/warehouse/events"

    @property
    def seventeentrack_gateway(self) -> str:
        base = self.seventeentrack_url or f"{self.world_url}/17track"
        return f"{base}/track/{self.seventeentrack_version}"
