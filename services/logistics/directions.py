"""Which border a customs scan is about, where its provider does not say. Pure.

Source: our logistics reference, "Milestones" (project rules, 2026-03).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from services.logistics.milestones import Milestone
from services.logistics.tracking import Classifier, Customs, TrackingEvent

M = Milestone

EXPORT: Final[Mapping[Customs, Milestone]] = {
    Customs.STARTED: M.EXPORT_CUSTOMS_STARTED,
    Customs.HELD: M.EXPORT_CUSTOMS_HELD,
    Customs.RELEASED: M.EXPORT_CUSTOMS_RELEASED,
}
_IMPORT: Final[Mapping[Customs, Milestone]] = {
    Customs.STARTED: M.IMPORT_CUSTOMS_STARTED,
    Customs.HELD: M.IMPORT_CUSTOMS_HELD,
    Customs.RELEASED: M.IMPORT_CUSTOMS_RELEASED,
}
# A third country's customs is none of ours: it only moves the parcel, or stops it.
_ELSEWHERE: Final[Mapping[Customs, Milestone]] = {
    Customs.STARTED: M.IN_TRANSIT,
    Customs.HELD: M.EXCEPTION,
    Customs.RELEASED: M.IN_TRANSIT,
}
_LEFT: Final = frozenset(
    {M.DEPARTED_ORIGIN, M.VESSEL_DEPARTED, M.TRANSIT_ARRIVED, M.VESSEL_ARRIVED, M.ARRIVED_DESTINATION}
)


def directed(
    history: Iterable[TrackingEvent], incoming: Sequence[TrackingEvent], origin: str | None, destination: str | None
) -> tuple[TrackingEvent, ...]:
    """`incoming` with every customs scan given its border: by its country, else by whether the parcel had left."""
    left = [e.event_time for e in (*history, *incoming) if e.milestone in _LEFT and e.classifier is Classifier.ACTUAL]
    return tuple(
        event
        if event.customs is None
        else replace(
            event,
            milestone=_border(event, origin, destination, has_left=any(at <= event.event_time for at in left))[
                event.customs
            ],
            customs=None,
        )
        for event in incoming
    )


def _border(
    event: TrackingEvent, origin: str | None, destination: str | None, *, has_left: bool
) -> Mapping[Customs, Milestone]:
    place = event.location.country
    if place is not None and origin and destination and origin != destination:
        return {origin: EXPORT, destination: _IMPORT}.get(place, _ELSEWHERE)
    return _IMPORT if has_left else EXPORT
