"""What a decision is made of: values in, values out. Everything here is pure; `process.py` needs nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar, cast

from shared.events.base import Event

T = TypeVar("T")
StateKey = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """One kind of state: its name (the table is bound to it elsewhere) and its class."""

    name: str
    of: type[T]

    def key(self, key: str) -> StateKey:
        return (self.name, key)

    def put(self, key: str, value: T) -> Put:
        return Put((self.name, key), value)


@dataclass(frozen=True, slots=True)
class Put:
    """A state as it is from now on."""

    key: StateKey
    value: object


class States:
    """What was loaded under the lanes' locks, with the batch's earlier results laid over it."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[StateKey, object] | None = None) -> None:
        self._values = {} if values is None else values

    def get(self, kind: Kind[T], key: str) -> T | None:
        return cast("T | None", self._values.get((kind.name, key)))

    def take(self, puts: tuple[Put, ...]) -> None:
        for put in puts:
            self._values[put.key] = put.value


@dataclass(frozen=True, slots=True)
class Work:
    """Something to do outside, or to be woken for, at `due_at` (business time).

    One row per (lane, kind, name): the same name again replaces it. `task` is a frozen dataclass.
    """

    kind: str
    lane: str
    due_at: datetime
    task: object
    name: str = ""


@dataclass(frozen=True, slots=True)
class WorkName:
    kind: str
    lane: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What an HTTP door answers; stored with the receipt, so that a repeat gets the first answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Decision:
    """One item's whole effect. Facts are spoken in this order."""

    puts: tuple[Put, ...] = ()
    facts: tuple[Event, ...] = ()
    work: tuple[Work, ...] = ()
    cancel: tuple[WorkName, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class Early:
    """Its cause still travels on another topic: hold it, and what follows on its topic, until `deadline`."""

    reason: str
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Wider:
    """These lanes and states are needed too: roll back and start again with them."""

    reach: Reach


@dataclass(frozen=True, slots=True)
class Reach:
    """What an item touches, known before the first read. The first lane is the one that it may block."""

    lanes: tuple[str, ...]
    keys: tuple[StateKey, ...] = ()

    def __add__(self, other: Reach) -> Reach:
        return Reach(
            self.lanes + tuple(lane for lane in other.lanes if lane not in self.lanes),
            self.keys + tuple(key for key in other.keys if key not in self.keys),
        )


Answer = Decision | Early | Wider
NOTHING = Decision()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a work row: `result` is the call's value, or Due, Refused, Exhausted."""

    kind: str
    lane: str
    name: str
    task: object
    result: object


@dataclass(frozen=True, slots=True)
class Due:
    """A timer's time has come."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The outside said a final no."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Exhausted:
    """Every try is used up, or the outcome is unknown and only a person can find out."""

    code: str
    message: str
    unknown: bool


@dataclass(frozen=True, slots=True)
class Process:
    """A service's business as three functions of values."""

    service: str
    handles: frozenset[type[Event]]
    reach: Callable[[object], Reach]
    decide: Callable[[States, object, datetime], Answer]
    envelopes: bool = False
    """Facts come with their envelope (id, time, cause): for who tells their story rather than acts on them."""
