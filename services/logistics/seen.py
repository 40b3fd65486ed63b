"""What is kept and shown of a carrier's words: codes and towns. Pure.

Trackers pass on whatever the last mile typed, and couriers type names, phones and door numbers. What a scan means is in
its code; its words are in the sealed receipt for whoever must read them. Events from before this rule are shown by it
too.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from services.logistics.tracking import OURS, Location, Raw, TrackingEvent
from shared.errors import told

_COUNTRY: Final = re.compile("[A-Z]{2}", re.ASCII)
_CODE_PLACE: Final = re.compile("[A-Z0-9]{3,8}", re.ASCII)
# Words of letters, as towns are written; a street's number or a phone is none.
_TOWN: Final = re.compile(r"[^\W\d_]+(?:[ .,'’/()-]+[^\W\d_]+)*[ .)]*")
_LONGEST_TOWN: Final = 40


def kept(event: TrackingEvent) -> TrackingEvent:
    """The event without free text; what our own people and hubs wrote stays."""
    if event.provider in OURS:
        return event
    raw = Raw(told(event.raw.code) if event.raw.code else "", event.raw.sub_code and told(event.raw.sub_code))
    return replace(event, raw=raw, location=_place(event.location))


def _place(place: Location) -> Location:
    return Location(
        _town(place.name),
        _matching(_COUNTRY, place.country),
        _matching(_CODE_PLACE, place.unlocode),
        _matching(_CODE_PLACE, place.iata),
        None,
    )


def _town(name: str | None) -> str | None:
    return name if name and len(name) <= _LONGEST_TOWN and _TOWN.fullmatch(name) else None


def _matching(form: re.Pattern[str], word: str | None) -> str | None:
    return word if word and form.fullmatch(word) else None
