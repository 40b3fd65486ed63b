"""The order's tracks: every state × fact of one service has exactly one answer, as a grid that can be read aloud.

A cell is the next state, `=` (absorbed: already included, a replay), `~` (waits: premature within its own topic) or
`!` (conflict: both cannot be true, a case for a person). Steps that orders takes by itself (asking, closing) are not
here: they are what the guards do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.events import catalog, customs, logistics, payments
from shared.events.base import Event


class Intent(StrEnum):
    PLACED = "placed"
    CLOSING = "closing"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class Money(StrEnum):
    NONE = "none"
    ASKED = "asked"
    OPEN = "open"
    COVERED = "covered"
    FAILED = "failed"
    CLOSING = "closing"
    CLOSED = "closed"
    REFUNDING = "refunding"
    REFUNDED = "refunded"
    CASE = "case"


class Goods(StrEnum):
    ASKED = "asked"
    SHORT = "short"
    RESERVED = "reserved"
    DRAWN = "drawn"
    UNDOING = "undoing"
    RELEASED = "released"


class Carriage(StrEnum):
    ASKED = "asked"
    REFUSED = "refused"
    BOOKED = "booked"
    PACKED = "packed"
    EXITED = "exited"
    DELIVERED = "delivered"
    LOST = "lost"
    RETURNED = "returned"
    VOIDING = "voiding"
    VOIDED = "voided"


class Papers(StrEnum):
    NONE = "none"
    ASSESSED = "assessed"
    INADMISSIBLE = "inadmissible"
    ASKED = "asked"
    MISMATCHED = "mismatched"
    SUBMITTED = "submitted"
    STORED = "stored"
    RELEASED = "released"
    HELD = "held"
    DETAINED = "detained"
    REJECTED = "rejected"


class Funds(StrEnum):
    NONE = "none"
    HELD = "held"
    RELEASED = "released"


class Other(StrEnum):
    """The three answers that are no step."""

    ABSORBED = "="
    WAITS = "~"
    CONFLICT = "!"


Cell = StrEnum  # a state of the track, or one of Other


@dataclass(frozen=True)
class Track:
    """One service's facts against one track's states; total by construction."""

    name: str
    states: type[StrEnum]
    facts: tuple[type[Event], ...]
    cells: Mapping[tuple[str, type[Event]], Cell]

    def answer(self, state: StrEnum, fact: type[Event]) -> Cell:
        return self.cells[state.value, fact]


def track(name: str, states: type[StrEnum], facts: tuple[type[Event], ...], grid: str) -> Track:
    """Read the grid: one row per state, one column per fact, in their order. A missing or extra cell is an error."""
    cells: dict[tuple[str, type[Event]], Cell] = {}
    for line in grid.strip().splitlines():
        state, *row = line.split()
        for fact, word in zip(facts, row, strict=True):
            cells[states(state).value, fact] = Other(word) if word in ("=", "~", "!") else states(word)
    if missing := {state.value for state in states} - {state for state, _ in cells}:
        raise ValueError(f"{name}: no row for {sorted(missing)}")
    return Track(name, states, facts, cells)


MONEY: Final = track(
    "money",
    Money,
    (
        payments.PaymentOpened,
        payments.PaymentCaptured,
        payments.PaymentFailed,
        payments.PaymentClosed,
        payments.PaymentDuplicated,
        payments.RefundCompleted,
        payments.RefundStalled,
    ),
    # A late `opened` is absorbed. A capture that lost the race with closing is money all the same: it is refunded.
    # A second capture cannot be: payments calls it `duplicated` and sends it back by itself.
    # An attempt may end without having been opened: its provider was never reached, or its time was over.
    # opened captured  failed  closed  duplicated  refunded  stalled
    """
    none      !       !         !       !       !           !         !
    asked     open    covered   failed  closed  !           !         !
    open      =       covered   failed  closed  =           !         !
    covered   =       !         =       =       =           !         !
    failed    !       covered   =       =       =           !         !
    closing   =       covered   closed  closed  =           !         !
    closed    =       covered   =       =       =           !         !
    refunding =       !         =       =       =           refunded  case
    refunded  =       !         =       =       =           =         !
    case      =       !         =       =       =           refunded  =
    """,
)

GOODS: Final = track(
    "goods",
    Goods,
    (catalog.ReservationMade, catalog.ReservationRefused, catalog.ReservationReleased, catalog.ReservationDrawn),
    # made      refused   released  drawn
    """
    asked     reserved  short     !         !
    short     reserved  =         !         !
    reserved  =         !         released  drawn
    drawn     =         !         !         =
    undoing   =         released  released  !
    released  =         =         =         !
    """,
)

CARRIAGE: Final = track(
    "carriage",
    Carriage,
    (
        logistics.ParcelBooked,
        logistics.BookingRefused,
        logistics.ParcelVoided,
        logistics.ParcelPacked,
        logistics.ParcelExited,
        logistics.ParcelAdvanced,
        logistics.ParcelDelivered,
        logistics.ParcelLost,
        logistics.ParcelReturned,
    ),
    # booked  refused  voided  packed  exited  advanced  delivered  lost  returned
    """
    asked     booked  refused  !       ~       ~       ~  ~          ~     ~
    refused   !       =        !       !       !       !  !          !     !
    booked    =       !        voided  packed  exited  =  delivered  lost  returned
    packed    =       !        !       =       exited  =  delivered  lost  returned
    exited    =       !        !       =       =       =  delivered  lost  returned
    delivered =       !        !       =       =       =  =          !     !
    lost      =       !        !       =       =       =  !          =     returned
    returned  =       !        !       =       =       =  !          =     =
    voiding   =       voided   voided  !       !       =  !          !     !
    voided    =       =        =       !       !       =  !          !     !
    """,
)

PAPERS: Final = track(
    "papers",
    Papers,
    (
        customs.AssessmentMade,
        customs.AssessmentRefused,
        customs.DeclarationMismatched,
        customs.DeclarationSubmitted,
        customs.DeclarationStored,
        customs.DeclarationReleased,
        customs.DeclarationHeld,
        customs.DeclarationDetained,
        customs.DeclarationRejected,
    ),
    # assessments travel on a topic of their own: a new one after a correction never moves papers that are under way
    # made          refused       mismatched  submitted  stored  released  held  detained  rejected
    """
    none          assessed  inadmissible  !           !          !       !         !     !         !
    assessed      =         inadmissible  !           !          !       !         !     !         !
    inadmissible  assessed  =             !           !          !       !         !     !         !
    asked         =         inadmissible  mismatched  submitted  ~       ~         ~     ~         ~
    mismatched    =         inadmissible  =           submitted  ~       ~         ~     ~         ~
    submitted     =         !             !           =          stored  released  held  detained  rejected
    stored        =         !             !           =          =       released  held  detained  rejected
    released      =         !             !           =          =       =         held  detained  !
    held          =         !             !           =          =       released  =     detained  rejected
    detained      =         !             !           =          =       released  =     =         rejected
    rejected      =         !             mismatched  submitted  =       !         =     =         =
    """,
)

FUNDS: Final = track(
    "funds",
    Funds,
    (payments.EscrowHeld, payments.EscrowReleased),
    # held  released
    """
    none      held  ~
    held      =     released
    released  =     =
    """,
)

TRACKS: Final = (MONEY, GOODS, CARRIAGE, PAPERS, FUNDS)
TRACK_OF: Final = {fact: one for one in TRACKS for fact in one.facts}
