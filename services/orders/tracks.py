"""The order's tracks: every state × fact of one service has exactly one answer, as a grid that can be read aloud.

A cell is the next state, `=` (absorbed: already included, a replay), `~` (waits: premature within its own topic) or
`!` (conflict: both cannot be true, a case for a person). Steps that orders takes by itself (asking, closing) are not
here: they are what the guards do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    RESTOCKED = "restocked"
    WRITTEN_OFF = "written_off"


class Carriage(StrEnum):
    ASKED = "asked"
    REFUSED = "refused"
    BOOKED = "booked"
    PACKED = "packed"
    HANDED_OVER = "handed_over"
    CONSOLIDATED = "consolidated"
    EXITED = "exited"
    DELIVERED = "delivered"
    LOST = "lost"
    RETURNED = "returned"
    VOIDING = "voiding"
    VOIDED = "voided"
    INTERCEPTING = "intercepting"


class Papers(StrEnum):
    """`withdrawing` is the cancellation (623) of what customs has stored, `returning` the return (625) of what it has
    released."""

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
    WITHDRAWING = "withdrawing"
    RETURNING = "returning"
    WITHDRAWN = "withdrawn"
    ABROAD = "abroad"


class Funds(StrEnum):
    NONE = "none"
    HELD = "held"
    RELEASING = "releasing"
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
    states: tuple[StrEnum, ...]
    facts: tuple[type[Event], ...]
    cells: Mapping[tuple[str, type[Event]], Cell]

    def answer(self, state: StrEnum, fact: type[Event]) -> Cell:
        return self.cells[state.value, fact]


def track(name: str, states: Iterable[StrEnum], facts: tuple[type[Event], ...], grid: str) -> Track:
    """Read the grid: one row per state, one column per fact, in their order. A missing or extra cell is an error."""
    named: dict[str, StrEnum] = {state.value: state for state in states}
    cells: dict[tuple[str, type[Event]], Cell] = {}
    for line in grid.strip().splitlines():
        state, *row = line.split()
        for fact, word in zip(facts, row, strict=True):
            cells[named[state].value, fact] = Other(word) if word in ("=", "~", "!") else named[word]
    if missing := set(named) - {state for state, _ in cells}:
        raise ValueError(f"{name}: no row for {sorted(missing)}")
    return Track(name, tuple(named.values()), facts, cells)


MONEY: Final = track(
    "money",
    Money,
    (
        payments.PaymentOpened,
        payments.PaymentCaptured,
        payments.PaymentConfirmed,
        payments.PaymentFailed,
        payments.PaymentClosed,
        payments.PaymentDuplicated,
        payments.RefundSubmitted,
        payments.RefundCompleted,
        payments.RefundStalled,
    ),
    # A late `opened` is absorbed. A capture that lost the race with closing is money all the same: it is refunded.
    # A second capture cannot be: payments calls it `duplicated` and sends it back by itself.
    # An attempt may end without having been opened: its provider was never reached, or its time was over.
    # `confirmed` is the channel's money, for which no attempt was ever made.
    # opened captured  confirmed failed closed duplicated submitted refunded stalled
    """
    none       !     !        covered  !       !       !  !  !         !
    asked      open  covered  !        failed  closed  !  !  !         !
    open       =     covered  !        failed  closed  =  !  !         !
    covered    =     !        =        =       =       =  !  !         !
    failed     !     covered  !        =       =       =  !  !         !
    closing    =     covered  !        closed  closed  =  !  !         !
    closed     =     covered  !        =       =       =  !  !         !
    refunding  =     !        =        =       =       =  =  refunded  case
    refunded   =     !        =        =       =       =  =  =         !
    case       =     !        =        =       =       =  =  refunded  =
    """,
)

GOODS: Final = track(
    "goods",
    Goods,
    (
        catalog.ReservationMade,
        catalog.ReservationRefused,
        catalog.ReservationReleased,
        catalog.ReservationDrawn,
        catalog.ReservationRestocked,
        catalog.ReservationWrittenOff,
    ),
    # made         refused   released  drawn  restocked  written off
    """
    asked        reserved  short     !         !      !          !
    short        reserved  =         !         !      !          !
    reserved     =         !         released  drawn  !          !
    drawn        =         !         !         =      restocked  written_off
    undoing      =         released  released  =      restocked  written_off
    released     =         =         =         !      !          !
    restocked    =         =         =         =      =          !
    written_off  =         =         =         =      !          =
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
        logistics.ParcelHandedOver,
        logistics.ParcelConsolidated,
        logistics.ParcelExited,
        logistics.ParcelAdvanced,
        logistics.ParcelDelayed,
        logistics.ParcelDelivered,
        logistics.ParcelLost,
        logistics.ParcelReturned,
    ),
    # Which of these a parcel meets is its flow's affair; what happened later includes what was not told.
    # A waybill that was asked to be voided may be handed over before logistics hears of it: then it is intercepted.
    # booked  refused  voided  packed  handed over  consolidated  exited  advanced  delayed  delivered  lost  returned
    """
    asked        booked refused !      ~      ~            ~            ~            ~ ~ ~         ~    ~
    refused      !      =       !      !      !            !            !            ! ! !         !    !
    booked       =      !       voided packed handed_over  consolidated exited       = = delivered lost returned
    packed       =      !       !      =      handed_over  consolidated exited       = = delivered lost returned
    handed_over  =      !       !      =      =            consolidated exited       = = delivered lost returned
    consolidated =      !       !      =      =            =            exited       = = delivered lost returned
    exited       =      !       !      =      =            =            =            = = delivered lost returned
    delivered    =      !       !      =      =            =            =            = = =         !    !
    lost         =      !       !      =      =            =            =            = = !         =    returned
    returned     =      !       !      =      =            =            =            = = !         =    =
    voiding      =      voided  voided =      intercepting intercepting intercepting = = delivered lost returned
    voided       =      =       =      !      !            !            !            = = !         !    !
    intercepting =      !       !      =      =            =            =            = = delivered lost returned
    """,
)

_PAPER_FACTS: Final = (
    customs.AssessmentMade,
    customs.AssessmentRefused,
    customs.DeclarationMismatched,
    customs.DeclarationSubmitted,
    customs.DeclarationStored,
    customs.DeclarationReleased,
    customs.DeclarationHeld,
    customs.DeclarationDetained,
    customs.DeclarationRejected,
    customs.DeclarationWithdrawn,
    customs.WithdrawalRefused,
    customs.DeclarationReturnedAbroad,
)

PAPERS: Final = track(
    "papers",
    Papers,
    _PAPER_FACTS,
    # Assessments travel on a topic of their own: a new one after a correction never moves papers that are under way.
    # Asked to withdraw what was only asked for, customs may still find that it does not match: then nothing stands.
    # A cancellation (623) that loses to the release leaves them released: then only the return (625) undoes them.
    # made  refused  mismatched  submitted  stored  released  held  detained  rejected  withdrawn  wd. refused  abroad
    """
none         assessed inadmissible !          !         !      !        !    !        !        !         !        !
assessed     =        inadmissible !          !         !      !        !    !        !        !         !        !
inadmissible assessed =            !          !         !      !        !    !        !        !         !        !
asked        =        inadmissible mismatched submitted ~      ~        ~    ~        ~        !         !        ~
mismatched   =        inadmissible =          submitted ~      ~        ~    ~        ~        !         !        ~
submitted    =        !            !          =         stored released held detained rejected !         !        abroad
stored       =        !            !          =         =      released held detained rejected !         =        abroad
released     =        !            !          =         =      =        held detained !        !         =        abroad
held         =        !            !          =         =      released =    detained rejected !         =        abroad
detained     =        !            !          =         =      released =    =        rejected !         =        abroad
rejected     =        !            mismatched submitted =      !        =    =        =        =         =        =
withdrawing  =        =            =          =         =      released =    =        rejected withdrawn stored   abroad
returning    =        =            !          =         =      =        =    =        !        withdrawn released abroad
withdrawn    =        =            !          =         =      !        =    =        =        =         =        !
abroad       =        =            !          =         =      !        =    =        =        =         =        =
    """,
)

OBSERVED_PAPERS: Final = track(
    "papers",
    (Papers.NONE, Papers.ASSESSED, Papers.INADMISSIBLE, Papers.RELEASED),
    _PAPER_FACTS,
    # The platform declares: nothing of ours is sent, undone or corrected, and the release may be seen before the
    # assessment, which travels on another topic.
    # made  refused  mismatched  submitted  stored  released  held  detained  rejected  withdrawn  wd. refused  abroad
    """
    none          assessed  inadmissible  !  !  !  released  !  !  !  !  !  !
    assessed      =         inadmissible  !  !  !  released  !  !  !  !  !  !
    inadmissible  assessed  =             !  !  !  released  !  !  !  !  !  !
    released      =         =             !  !  !  =         !  !  !  !  !  !
    """,
)

FUNDS: Final = track(
    "funds",
    Funds,
    (payments.EscrowHeld, payments.EscrowReleased),
    # held  released
    """
    none       held  ~
    held       =     !
    releasing  =     released
    released   =     =
    """,
)

TRACKS: Final = (MONEY, GOODS, CARRIAGE, PAPERS, OBSERVED_PAPERS, FUNDS)
TRACK_OF: Final = {fact: one for one in TRACKS if one is not OBSERVED_PAPERS for fact in one.facts}
