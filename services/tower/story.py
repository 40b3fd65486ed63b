"""One order as the facts tell it, and one line of its story. Pure; nothing here decides anything about the order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from shared.events.values import Finding
from shared.money import Money


class Level(StrEnum):
    """The six states that every page shows as a shape, a word and a colour. Only BAD means that a person must act."""

    OK = "ok"
    RUN = "run"
    WARN = "warn"
    BAD = "bad"
    PARK = "park"
    NONE = "none"


class Lane(StrEnum):
    """The five groups of tracks that are drawn beside each other (no lock keys)."""

    ORDER = "order"
    PAYMENT = "payment"
    DOCUMENTS = "documents"
    CUSTOMS = "customs"
    GOODS = "goods"


@dataclass(frozen=True, slots=True)
class Step:
    """Where one track stands and since when. `asked`: by a request of ours, which nobody has answered yet."""

    state: str = ""
    since: datetime | None = None
    asked: bool = False

    def follows(self, other: Step) -> bool:
        """Topics overtake each other on their way here, so the fact's time decides; an answer beats its own request."""
        if self.since is None or other.since is None:
            return other.since is None
        return self.since > other.since or (self.since == other.since and (other.asked or not self.asked))


@dataclass(frozen=True, slots=True)
class Parcel:
    """`exit` is orders' permission to leave ("", authorised, withdrawn).

    late_after: the milestone since which nothing came for too long, "" where it moves in time. broken: the promise
    that was not kept. grams: as weighed by the warehouse, 0 before.
    """

    carriage: Step = field(default_factory=Step)
    exit: Step = field(default_factory=Step)
    waybill_no: str = ""
    carrier: str = ""
    milestone: str = ""
    milestone_at: datetime | None = None
    grams: int = 0
    consignment_id: str = ""
    master_bill: str = ""
    voyage: str = ""
    vehicle: str = ""
    consolidated_at: datetime | None = None
    late_after: str = ""
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    name: str
    reason: str
    since: datetime
    lifted: bool = False


@dataclass(frozen=True, slots=True)
class Purse:
    """What became of the buyer's money. `held` lies in escrow, `seller_share` is the seller's part of `released`.

    with_channel: a marketplace collected it and owes it to us; none of it lies in our hands.
    """

    total: Money | None = None
    tax: Money | None = None
    captured: Money | None = None
    held: Money | None = None
    released: Money | None = None
    seller_share: Money | None = None
    refunded: Money | None = None
    expires_at: datetime | None = None
    with_channel: bool = False

    @property
    def kept(self) -> Money | None:
        """Received and not sent back."""
        if self.captured is None or self.refunded is None or self.refunded.currency != self.captured.currency:
            return self.captured
        return self.captured - self.refunded

    @property
    def shares(self) -> Money | None:
        """What was paid out and not to the seller: the tax, which left at customs' release, and the helpers."""
        return None if self.kept is None or self.seller_share is None else self.kept - self.seller_share

    @property
    def in_hand(self) -> Money | None:
        """What still lies with us: nothing once the escrow is released."""
        if self.with_channel:
            return None
        return self.kept if self.kept is None or self.released is None else Money.zero(self.kept.currency)


@dataclass(frozen=True, slots=True)
class Story:
    """All tracks of one order by name, and what a person wants to know beside them.

    `ids` are all numbers by which people may ask for it. Personal values are here only as `masked` text.
    `trouble` is the reason given by the last fact that was a refusal. `way` is the flow's kind, "" where nobody
    told it; `declared_by` says of each document who sends it. `sheets` is what each document says, field by field,
    as far as facts tell it. `left_by` wanted out, because of `left_for`.
    """

    id: str
    started_at: datetime
    changed_at: datetime
    seller: str = ""
    connection: str = ""
    shop: str = ""
    channel: str = ""
    external_id: str = ""
    flow: str = ""
    way: str = ""
    collected_by: str = "self"
    declared_by: Mapping[str, str] = field(default_factory=dict)
    title: str = ""
    pieces: int = 0
    buyer: str = ""
    recipient: str = ""
    facts: int = 0
    tracks: Mapping[str, Step] = field(default_factory=dict)
    parcels: Mapping[str, Parcel] = field(default_factory=dict)
    holds: Mapping[str, Hold] = field(default_factory=dict)
    purse: Purse = field(default_factory=Purse)
    ids: tuple[str, ...] = ()
    numbers: Mapping[str, str] = field(default_factory=dict)
    consignments: tuple[str, ...] = ()
    sheets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    trouble: str = ""
    fix_en: str = ""
    fix_zh: str = ""
    conflicts: int = 0
    conflict: str = ""
    open_cases: Mapping[str, str] = field(default_factory=dict)  # of orders' own that have numbers
    left_by: str = ""
    left_for: str = ""
    stage: str = ""
    stage_since: datetime | None = None
    ended_at: datetime | None = None
    level: Level = Level.RUN
    reason: str = ""

    def state(self, track: str) -> str:
        step = self.tracks.get(track)
        return step.state if step else ""

    def stepped(self, track: str, step: Step) -> Story:
        if not step.follows(self.tracks.get(track, Step())):
            return self
        return replace(self, tracks={**self.tracks, track: step})

    def with_parcel(self, parcel_id: str, parcel: Parcel) -> Story:
        return replace(self, parcels={**self.parcels, parcel_id: parcel})

    def named(self, **numbers: str) -> Story:
        """Take these numbers in: what people search by, and under which name the page shows them."""
        given = {name: value for name, value in numbers.items() if value}
        new = tuple(value for value in given.values() if value not in self.ids)
        return replace(self, ids=(*self.ids, *new), numbers={**self.numbers, **given})

    def findable(self, *numbers: str) -> Story:
        """People may ask for it by these too; the page shows them elsewhere or not at all."""
        new = tuple(number for number in dict.fromkeys(numbers) if number and number not in self.ids)
        return replace(self, ids=(*self.ids, *new)) if new else self

    def written(self, sheet: str, **fields: str) -> Story:
        """What a document says from now on; a field that was not told stays as it was."""
        given = {name: text for name, text in fields.items() if text}
        return replace(self, sheets={**self.sheets, sheet: {**self.sheets.get(sheet, {}), **given}})

    @property
    def watched(self) -> bool:
        """The platform declares it: its papers are observed, none is sent by us."""
        return self.declared_by.get("inventory") == "platform"

    @property
    def mailed(self) -> bool:
        """Direct mail: it travels first and is declared at the border."""
        return self.way == "direct_mail"

    @property
    def holding(self) -> tuple[Hold, ...]:
        return tuple(hold for _, hold in sorted(self.holds.items()) if not hold.lifted)

    @property
    def carriage(self) -> tuple[str, ...]:
        return tuple(parcel.carriage.state for parcel in self.parcels.values())


@dataclass(frozen=True, slots=True)
class Entry:
    """One fact as a line of a story. `n` counts the facts of its key as they came here; `values` fill its sentence."""

    id: str
    order_id: str
    seller: str
    at: datetime
    type: str
    service: str
    lane: Lane
    level: Level
    cause: str
    trace: str
    n: int
    values: Mapping[str, str] = field(default_factory=dict)
