"""What customs calls of a window, whatever the vendor: one way out, answered at once; receipts come by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from shared.errors import Permanent


class Link(StrEnum):
    """`live` is the real customs, `simulated` a window of our own world: only the first refuses unconfirmed offices."""

    LIVE = "live"
    SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class Office:
    """A customs office of the corridor profile; `confirmed` says that its code was checked by somebody."""

    code: str
    confirmed: bool


@dataclass(frozen=True, slots=True)
class WindowAnswer:
    """The window took the envelope in. It has not looked inside: that is what receipts are for."""

    cop_msg_id: str
    code: str
    info: str
    noticed_at: datetime | None


class OfficeUnconfirmed(Permanent):
    """The profile's office code was never confirmed: nothing goes to the real customs under it."""

    code = "customs.office_unconfirmed"

    def __init__(self, office: str) -> None:
        super().__init__(f"customs office {office} is not confirmed in the corridor profile")
        self.office = office


class WindowRefused(Permanent):
    """The window did not take the envelope; sending the same bytes again cannot help."""

    code = "customs.window_refused"

    def __init__(self, answer_code: str, info: str) -> None:
        super().__init__(f"the customs window refused the message ({answer_code})")
        self.answer_code, self.info = answer_code, info


class CustomsWindow(Protocol):
    async def submit(self, envelope: bytes, office: Office) -> WindowAnswer:
        """Hand over one stored envelope, byte for byte; sending it again is harmless and is how `Unknown` is resolved.

        Transient: nothing arrived, or the window asks to come again. Permanent: refused. Unknown: nobody knows.
        """
        ...
