"""Parcels in bags, bags in a consignment: which events of the whole are events of the part. Pure.

A part inherits only while every link between it and the whole is open at the event's time: a bag taken off before
departure did not depart. Source: our logistics reference, "State reduction" and "Units" (project rules, 2026-03).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.logistics.milestones import Milestone
from services.logistics.tracking import Ref

M = Milestone

# What a milestone of the whole is for its parts; loading, discharge and gate moves are not copied down.
COPIED: Final[Mapping[Milestone, Milestone]] = {
    M.VESSEL_DEPARTED: M.DEPARTED_ORIGIN,
    M.VESSEL_ARRIVED: M.ARRIVED_DESTINATION,
    M.TRANSSHIPMENT_ARRIVED: M.TRANSIT_ARRIVED,
    M.TRANSSHIPMENT_DEPARTED: M.TRANSIT_DEPARTED,
    **{
        same: same
        for same in (
            M.EXPORT_CUSTOMS_STARTED,
            M.EXPORT_CUSTOMS_HELD,
            M.EXPORT_CUSTOMS_RELEASED,
            M.IMPORT_CUSTOMS_STARTED,
            M.IMPORT_CUSTOMS_HELD,
            M.IMPORT_CUSTOMS_RELEASED,
            M.EXCEPTION,
            M.LOST,
            M.DESTROYED,
        )
    },
}


@dataclass(frozen=True, slots=True)
class Link:
    """One part in one whole, from `opened` until before `closed`."""

    parent: Ref
    child: Ref
    opened: datetime
    closed: datetime | None = None

    def holds(self, at: datetime) -> bool:
        return self.opened <= at and (self.closed is None or at < self.closed)


@dataclass(frozen=True, slots=True)
class Inherited:
    """An event of the whole as an event of one part."""

    ref: Ref
    milestone: Milestone
    at: datetime
    inherited_from: Ref


def opened(links: Iterable[Link], parent: Ref, children: Iterable[Ref], at: datetime) -> tuple[Link, ...]:
    """The links after some parts went in; a part that is in it already stays as it is."""
    known = tuple(links)
    inside = {link.child for link in known if link.parent == parent and link.closed is None}
    return (*known, *(Link(parent, child, at) for child in children if child not in inside))


def closed(links: Iterable[Link], parent: Ref, children: Iterable[Ref], at: datetime) -> tuple[Link, ...]:
    """The links after some parts came out."""
    gone = set(children)
    return tuple(
        Link(link.parent, link.child, link.opened, at)
        if link.parent == parent and link.child in gone and link.closed is None
        else link
        for link in links
    )


def inherited(links: Iterable[Link], whole: Ref, milestone: Milestone, at: datetime) -> tuple[Inherited, ...]:
    """What an event of `whole` means for every part that was in it then, however deep."""
    copied = COPIED.get(milestone)
    if copied is None:
        return ()
    open_then = [link for link in links if link.holds(at)]
    return tuple(Inherited(part, copied, at, whole) for part in _parts(open_then, whole))


def _parts(open_then: Iterable[Link], whole: Ref) -> list[Ref]:
    inside: dict[Ref, list[Ref]] = {}
    for link in open_then:
        inside.setdefault(link.parent, []).append(link.child)
    found: dict[Ref, None] = {}
    left = [whole]
    while left:
        for child in inside.get(left.pop(0), ()):
            if child not in found:  # a loop of links would be a data error; it must not hang us
                found[child] = None
                left.append(child)
    return list(found)
