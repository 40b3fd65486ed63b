"""What customs is told at start."""

from __future__ import annotations

from datetime import timedelta

from services.customs.providers.base import Link
from shared.settings import Settings


class CustomsSettings(Settings):
    """Patience is business time: divided by `time_scale`."""

    world_url: str = "http://127.0.0.1:9100"
    """Where the simulated partners listen; each partner's own URL wins over it."""
    window_url: str = ""
    window_link: Link | None = None
    """`live` refuses offices that the profile does not confirm. Unset: live in production, simulated otherwise."""
    window_taken: frozenset[str] = frozenset({"0", "0000"})
    """What the platform answers when it took a message: printed nowhere (unconfirmed)."""
    sign_envelopes: bool = False
    """The envelope's own signature is optional in the specification; the message inside is signed in any case."""
    met_needs: frozenset[str] = frozenset({"positive_list", "label_zh"})
    """Needs of the goods list that are shown to be met for what is sold here."""
    second_line_transport: str = "4"
    """Mode of the leg out of the bonded zone (road); which one an office expects is its own practice (unconfirmed)."""
    wrapping: str = "2"
    receipt_patience_minutes: float = 10
    stored_patience_minutes: float = 60
    waybill_patience_minutes: float = 10
    retry_pause_minutes: float = 1
    resends: int = 3

    @property
    def link(self) -> Link:
        return self.window_link or (Link.LIVE if self.production else Link.SIMULATED)

    @property
    def window(self) -> str:
        return self.window_url or f"{self.world_url}/customs/dxp"

    def minutes(self, name: str) -> timedelta:
        return timedelta(minutes=getattr(self, f"{name}_minutes"))
