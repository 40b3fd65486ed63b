"""One item of a batch, whichever of the three moves it comes by, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from uuid import UUID

from shared.broker.ports import Record
from shared.errors import Failure
from shared.events.envelope import Cause
from shared.flow.decision import Reach, Reply


@dataclass(frozen=True, slots=True)
class Receipt:
    """Bytes that came in by HTTP, as they came. `body` is sealed; `reply` is what the door answers unless told
    otherwise."""

    door: str
    received_at: datetime
    headers: bytes
    body: bytes
    reply: Reply
    status: str = "accepted"
    reason: str = ""
    refusal: Callable[[Failure], Reply] | None = None
    """What the door answers when the item is refused, if not `reply`: stored too, a repeat gets it again."""


@dataclass(frozen=True, slots=True)
class Leased:
    """A work row under a lease. `token` rises with every lease of the row; `phase` is "send" until an outcome was
    unknown."""

    id: int
    kind: str
    lane: str
    name: str
    task: object
    token: int
    attempts: int
    phase: str
    due_at: datetime
    cause: Cause


@dataclass(frozen=True, slots=True)
class Parked:
    """A record that waits in the database: `seq` is its row and its claim, `state` dead, blocked or early."""

    seq: int
    state: str
    record: Record
    deadline: datetime | None
    attempts: int


@dataclass(frozen=True, slots=True)
class Poison:
    """Content that could not be read, or whose effect the database refuses: never given to `decide`."""

    failure: Failure


Origin = Record | Receipt | Leased | Parked


@dataclass(frozen=True, slots=True)
class Item:
    """`id` is what is claimed: the event's id, the receipt's, or (derived) the work row's."""

    id: UUID
    content: object
    reach: Reach
    cause: Cause
    origin: Origin

    @property
    def lane(self) -> str:
        return self.reach.lanes[0]

    @property
    def record(self) -> Record | None:
        """The broker record, new or parked; None for receipts and outcomes."""
        match self.origin:
            case Record():
                return self.origin
            case Parked():
                return self.origin.record
            case _:
                return None

    def poisoned(self, failure: Failure) -> Item:
        """The same item as one for a person, in a lane that PostgreSQL can store: no NUL, no half of a pair, no
        novel."""
        lane = self.lane.encode(errors="replace").decode().replace("\0", "\ufffd")[:200]
        return replace(self, content=Poison(failure), reach=Reach((lane,)))


class Fate(Enum):
    DONE = "done"
    DUPLICATE = "duplicate"  # absorbed: its claim was taken before
    WAITS = "waits"  # parked early or behind a blocked lane
    DEAD = "dead"  # a dead letter, or a quarantined receipt


@dataclass(frozen=True, slots=True)
class Result:
    item: Item
    fate: Fate
    reply: Reply | None = None
    failure: BaseException | None = None
