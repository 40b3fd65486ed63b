"""Customs' receipts and what they move: one table per document, times before arrival order, errors never undo.

The specification lists the codes but no transitions: the tables are a project rule that agrees with every observed
sequence. `returnTime` orders receipts; at equal times the further progressed one wins; an older one moves nothing back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from services.customs.documents import Kind


class Word(StrEnum):
    """What a positive return status says, whatever its number."""

    DRAFT = "draft"
    DECLARING = "declaring"
    FORWARDED = "forwarded"
    SEND_FAILED = "send_failed"
    STORED = "stored"
    REVIEW = "review"
    EXAMINED = "examined"
    INSPECTION = "inspection"
    DETAINED = "detained"
    RETURNED_ABROAD = "returned_abroad"
    RELEASED = "released"
    CLOSED = "closed"
    REJECTED = "rejected"


class Trouble(StrEnum):
    """What to do about a negative status: our classes, not customs'."""

    FIX = "fix"
    RETRY = "retry"
    STOP = "stop"
    IDEMPOTENT = "idempotent"
    IGNORE = "ignore"
    MANUAL = "manual"


class NotUnderstood(StrEnum):
    """A positive code that is in no list: stored and shown, never guessed."""

    NOT_UNDERSTOOD = "not_understood"


Reading = Word | Trouble | NotUnderstood


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One receipt node. Its guid is the e-port's: correlate by the numbers, never by the guid."""

    kind: Kind
    guid: str
    status: str
    reading: Reading
    at: datetime
    info: str
    order_no: str | None = None
    ebp_code: str | None = None
    pay_code: str | None = None
    pay_transaction_id: str | None = None
    logistics_code: str | None = None
    logistics_no: str | None = None
    cop_no: str | None = None
    pre_no: str | None = None
    invt_no: str | None = None

    @property
    def business_key(self) -> str:
        """Ours for inventory, cancellation and return (`copNo`), the partners' numbers for the other three."""
        match self.kind:
            case Kind.ORDER:
                return f"{self.ebp_code}/{self.order_no}"
            case Kind.PAYMENT:
                return f"{self.pay_code}/{self.pay_transaction_id}"
            case Kind.WAYBILL | Kind.WAYBILL_STATUS:
                return f"{self.logistics_code}/{self.logistics_no}"
            case _:
                return str(self.cop_no)

    @property
    def claim(self) -> str:
        """Equal for a receipt that came twice: document, its number, status, time to the millisecond."""
        number = self.pre_no or self.cop_no or self.business_key
        return f"{self.kind}|{number}|{self.status}|{self.at.isoformat(timespec='milliseconds')}"


class State(StrEnum):
    """Where a document of ours is, as far as receipts say."""

    SENT_UNKNOWN = "SENT_UNKNOWN"
    DRAFT = "DRAFT"
    DECLARING = "DECLARING"
    AT_CUSTOMS = "AT_CUSTOMS"
    ALREADY_DECLARED = "ALREADY_DECLARED"
    SEND_ERROR_RETRYABLE = "SEND_ERROR_RETRYABLE"
    FAILED = "FAILED"
    REJECTED = "REJECTED"
    STORED = "STORED"
    MANUAL_REVIEW = "MANUAL_REVIEW"
    EXAMINED = "EXAMINED"
    INSPECTION = "INSPECTION"
    DETAINED = "DETAINED"
    RELEASED = "RELEASED"
    CLOSED = "CLOSED"
    RETURNED_ABROAD = "RETURNED_ABROAD"
    CANCELLED = "CANCELLED"
    CANCEL_REFUSED = "CANCEL_REFUSED"
    REFUND_APPROVED = "REFUND_APPROVED"
    REFUND_REFUSED = "REFUND_REFUSED"


class Action(StrEnum):
    """What follows from a step, for whoever decides: nothing here is done by this module."""

    RELEASE_QUOTA = "release_quota_reservation"
    RESERVE_QUOTA_AGAIN = "reserve_quota_again"
    BOOK_QUOTA = "book_quota_final"
    KEEP_QUOTA = "keep_quota_until_decided"
    START_REFUND_CLOCK = "start_refund_clock_at_800"
    HOLD_SHIPMENT = "hold_shipment_at_500"
    RESUME_SHIPMENT = "resume_shipment_at_800"
    FREEZE_ORDER = "freeze_order"
    OPEN_CASE = "open_case"
    REFUND_BUYER = "refund_buyer"
    RESEND = "resend_same_guid"
    RESEND_LATER = "after_timeout_resend_same_message"
    KEEP = "keep_previous_state"
    WAIT = "query_or_wait"
    ALERT = "alert_unknown_status"
    CALL_PERSON = "queue_for_person"
    CANCEL_INVENTORY = "inventory_state=CANCELLED"
    CANCEL_QUOTA = "release_quota"
    REFUND_TAX = "refund_tax"
    INVENTORY_UNCHANGED = "inventory_state_unchanged"
    AWAIT_GOODS = "await_goods_back_by_day_45"


@dataclass(frozen=True, slots=True)
class Progress:
    """A document's state, and the time and rank of the receipt that gave it."""

    state: State = State.SENT_UNKNOWN
    at: datetime | None = None
    rank: int = -1
    released_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Step:
    progress: Progress
    actions: tuple[Action, ...] = ()


# Rank at equal times; higher is further.
_RANK: Final = {
    Word.DRAFT: 0,
    Word.DECLARING: 1,
    Word.FORWARDED: 2,
    Word.SEND_FAILED: 2,
    Word.STORED: 3,
    Word.REVIEW: 4,
    Word.EXAMINED: 5,
    Word.INSPECTION: 6,
    Word.DETAINED: 7,
    Word.RELEASED: 8,
    Word.RETURNED_ABROAD: 9,
    Word.CLOSED: 9,
    Word.REJECTED: 9,
}

_S = State
_ENDED_ATTEMPT: Final = frozenset({_S.REJECTED, _S.FAILED})
_BEFORE_STORED: Final = _ENDED_ATTEMPT | {
    _S.SENT_UNKNOWN, _S.DRAFT, _S.DECLARING, _S.AT_CUSTOMS, _S.ALREADY_DECLARED, _S.SEND_ERROR_RETRYABLE
}  # fmt: skip
CANCELLABLE: Final = frozenset({_S.STORED, _S.MANUAL_REVIEW, _S.EXAMINED})
_TROUBLED: Final = _BEFORE_STORED | CANCELLABLE  # an error never hides that customs holds the goods
_BEFORE_RELEASED: Final = _BEFORE_STORED | CANCELLABLE | {_S.INSPECTION, _S.DETAINED}
_IN_PLAY: Final = _BEFORE_RELEASED | {_S.RELEASED, _S.CLOSED}

# word → (states that it may move, state that it gives, actions)
_Row = tuple[frozenset[State], State, tuple[Action, ...]]
_ENTRY: Final[dict[Word, _Row]] = {
    Word.DRAFT: (_BEFORE_STORED, _S.DRAFT, ()),
    Word.DECLARING: (_BEFORE_STORED, _S.DECLARING, ()),
    Word.FORWARDED: (_BEFORE_STORED, _S.AT_CUSTOMS, ()),
    Word.SEND_FAILED: (_BEFORE_STORED, _S.SEND_ERROR_RETRYABLE, (Action.RESEND,)),
    Word.STORED: (_BEFORE_STORED, _S.STORED, ()),
    Word.REJECTED: (_BEFORE_RELEASED, _S.REJECTED, ()),
}
_INVENTORY: Final[dict[Word, _Row]] = {
    **_ENTRY,
    Word.REVIEW: (_BEFORE_STORED | {_S.STORED}, _S.MANUAL_REVIEW, ()),
    Word.EXAMINED: (_BEFORE_STORED | CANCELLABLE, _S.EXAMINED, ()),
    Word.INSPECTION: (_BEFORE_STORED | CANCELLABLE | {_S.RELEASED}, _S.INSPECTION, (Action.HOLD_SHIPMENT,)),
    Word.DETAINED: (_IN_PLAY, _S.DETAINED, (Action.FREEZE_ORDER, Action.OPEN_CASE, Action.KEEP_QUOTA)),
    Word.RETURNED_ABROAD: (_IN_PLAY, _S.RETURNED_ABROAD, (Action.REFUND_BUYER, Action.RELEASE_QUOTA)),
    Word.RELEASED: (_BEFORE_RELEASED, _S.RELEASED, ()),
    Word.CLOSED: (_IN_PLAY, _S.CLOSED, (Action.BOOK_QUOTA,)),
    Word.REJECTED: (_BEFORE_RELEASED, _S.REJECTED, (Action.RELEASE_QUOTA,)),
}
_ASKED: Final = _BEFORE_STORED | {_S.STORED, _S.MANUAL_REVIEW}
_CANCELLATION: Final[dict[Word, _Row]] = {
    **_ENTRY,
    Word.REVIEW: (_ASKED, _S.MANUAL_REVIEW, ()),
    Word.EXAMINED: (_ASKED, _S.CANCELLED, (Action.CANCEL_INVENTORY, Action.CANCEL_QUOTA, Action.REFUND_TAX)),
    Word.REJECTED: (_ASKED, _S.CANCEL_REFUSED, (Action.INVENTORY_UNCHANGED,)),
}
_RETURN: Final[dict[Word, _Row]] = {
    **_ENTRY,
    Word.REVIEW: (_ASKED, _S.MANUAL_REVIEW, ()),
    Word.EXAMINED: (_ASKED, _S.REFUND_APPROVED, (Action.AWAIT_GOODS,)),
    Word.RELEASED: (_ASKED, _S.REFUND_APPROVED, (Action.AWAIT_GOODS,)),  # 300 and 800 were seen in real 626 receipts
    Word.REJECTED: (_ASKED, _S.REFUND_REFUSED, (Action.INVENTORY_UNCHANGED,)),
}
_TABLES: Final[dict[Kind, dict[Word, _Row]]] = {
    Kind.INVENTORY: _INVENTORY,
    Kind.CANCELLATION: _CANCELLATION,
    Kind.RETURN: _RETURN,
}
_FAILED: Final[dict[Kind, _Row]] = {
    Kind.INVENTORY: (_TROUBLED, _S.FAILED, (Action.RELEASE_QUOTA, Action.CALL_PERSON)),
    Kind.CANCELLATION: (_ASKED, _S.CANCEL_REFUSED, (Action.INVENTORY_UNCHANGED,)),
    Kind.RETURN: (_ASKED, _S.REFUND_REFUSED, (Action.INVENTORY_UNCHANGED,)),
}
_FAILED_ENTRY: Final[_Row] = (_BEFORE_STORED, _S.FAILED, (Action.CALL_PERSON,))


def _row(kind: Kind, reading: Word | Trouble) -> _Row | None:
    match reading:
        case Trouble.FIX | Trouble.STOP:
            return _FAILED.get(kind, _FAILED_ENTRY)
        case Trouble.RETRY:
            return (_TROUBLED, _S.SEND_ERROR_RETRYABLE, (Action.RESEND,))
        case Word():
            return _TABLES.get(kind, _ENTRY).get(reading)
        case _:
            return None


def _beside(kind: Kind, before: State, after: State) -> Iterable[Action]:
    """What depends on where the document came from."""
    if kind is not Kind.INVENTORY:
        return
    if before in _ENDED_ATTEMPT and after not in _ENDED_ATTEMPT | {_S.RETURNED_ABROAD}:
        yield Action.RESERVE_QUOTA_AGAIN
    if after is _S.RELEASED and before in {_S.INSPECTION, _S.DETAINED}:
        yield Action.RESUME_SHIPMENT


def _unmoved(progress: Progress, reading: Word | Trouble) -> Step:
    """A repeat that was refused, an old message, or a word that does not fit here: the state stands."""
    if reading is Trouble.MANUAL:
        return Step(progress, (Action.KEEP, Action.CALL_PERSON))
    if reading is Trouble.IDEMPOTENT and progress.state is _S.SENT_UNKNOWN:
        return Step(replace(progress, state=_S.ALREADY_DECLARED), (Action.KEEP, Action.WAIT))
    return Step(progress, (Action.KEEP,))


def _release_seen(kind: Kind, step: Step, reading: Reading, at: datetime) -> Step:
    """The refund clock starts at the first release, even one that arrives after its successor."""
    if kind is not Kind.INVENTORY or reading is not Word.RELEASED or step.progress.released_at is not None:
        return step
    return Step(replace(step.progress, released_at=at), (*step.actions, Action.START_REFUND_CLOCK))


def _confirms(stands: State, said: State) -> bool:
    """Nothing new to the order: customs said at that time once more what holds, so that what is older came before it.

    Without it an inspection that is read after both releases between which it was would be taken for the newest word.
    """
    return PAPERS[stands] == PAPERS[said]


def advance(kind: Kind, progress: Progress, reading: Reading, at: datetime) -> Step:
    """Apply one receipt that was not applied before (`Receipt.claim`). One that moves or confirms takes the time
    forward; one that fits nowhere does not."""
    if isinstance(reading, NotUnderstood):
        return Step(progress, (Action.ALERT,))
    rank = _RANK.get(reading, -1) if isinstance(reading, Word) else -1
    if progress.at is not None and (at, rank) < (progress.at, progress.rank):
        return _release_seen(kind, Step(progress), reading, at)
    row = _row(kind, reading)
    if row is None or progress.state not in row[0]:
        stood = replace(progress, at=at, rank=rank) if row and _confirms(progress.state, row[1]) else progress
        return _release_seen(kind, _unmoved(stood, reading), reading, at)
    _, state, actions = row
    moved = replace(progress, state=state, at=at, rank=rank)
    return _release_seen(kind, Step(moved, (*_beside(kind, progress.state, state), *actions)), reading, at)


def silence(progress: Progress) -> tuple[Action, ...]:
    """What follows when nothing came within the limit: what has no final word is sent again, byte for byte."""
    waiting = {_S.SENT_UNKNOWN, _S.DRAFT, _S.DECLARING, _S.AT_CUSTOMS, _S.SEND_ERROR_RETRYABLE}
    return (Action.RESEND_LATER,) if progress.state in waiting else ()


# The order's papers track in the words of the customs.declaration facts.
PAPERS: Final[dict[State, str]] = {
    **dict.fromkeys((_S.SENT_UNKNOWN, _S.DRAFT, _S.DECLARING, _S.AT_CUSTOMS, _S.ALREADY_DECLARED), "submitted"),
    _S.SEND_ERROR_RETRYABLE: "submitted",
    **dict.fromkeys((_S.STORED, _S.MANUAL_REVIEW, _S.EXAMINED), "stored"),
    _S.INSPECTION: "held",
    _S.DETAINED: "detained",
    **dict.fromkeys((_S.RELEASED, _S.CLOSED), "released"),
    _S.RETURNED_ABROAD: "returned-abroad",
    _S.CANCELLED: "withdrawn",
    **dict.fromkeys((_S.REJECTED, _S.FAILED), "rejected"),
    _S.REFUND_APPROVED: "withdrawn",
    **dict.fromkeys((_S.CANCEL_REFUSED, _S.REFUND_REFUSED), "withdrawal-refused"),
}
