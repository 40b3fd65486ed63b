"""What the corridor's profile tells logistics: carriers and how they are reached, flows, places, promises. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from services.logistics.promises import Promises
from shared.clock import scaled
from shared.corridor import Corridor

DIRECT_MAIL: Final = "direct_mail"


@dataclass(frozen=True, slots=True)
class CarrierTerms:
    """How customs knows the carrier (what 511 and 621 say), which interface books it and which one pushes its scans."""

    code: str
    name: str
    books: str
    tracked_by: str


@dataclass(frozen=True, slots=True)
class FlowTerms:
    """kind: the profile's flow kind; destination: the country where its parcels end."""

    kind: str
    destination: str


@dataclass(frozen=True, slots=True)
class Policy:
    """carriers: those that we have an interface to, by the profile's id. origins: warehouse → country where its parcels
    start. site: the supervised place that direct mail leaves by. promises None: nobody watches the clock."""

    carriers: Mapping[str, CarrierTerms]
    origins: Mapping[str, str]
    flows: Mapping[str, FlowTerms] = field(default_factory=dict)
    site: str = ""
    promises: Promises | None = None
    time_scale: float = 1.0

    def flow(self, flow: str) -> FlowTerms:
        """A flow that the profile does not know is carried like any parcel: booked, let out, tracked."""
        return self.flows.get(flow) or FlowTerms("", "")

    def scaled(self, duration: timedelta) -> timedelta:
        return scaled(duration, self.time_scale)


def policy_of(
    corridor: Corridor, interfaces: Collection[str], *, time_scale: float = 1.0, watched: bool = True
) -> Policy:
    """interfaces: what we can book with; a carrier of the profile that is booked by another one is not ours to ask."""
    carriers = {
        one.id: CarrierTerms(one.customs_code, one.customs_name, books, one.tracked_by or books)
        for one in corridor.carrier
        if (books := one.books or one.id) in interfaces
    }
    countries: dict[str, str] = {city.role: city.country for city in corridor.city}
    return Policy(
        carriers,
        {one.id: one.place[:2] for one in corridor.warehouse},
        {flow.id: FlowTerms(flow.kind, countries[flow.to]) for flow in corridor.flow},
        next((one.id for one in corridor.warehouse if one.kind == "returns"), ""),
        Promises(corridor, time_scale) if watched else None,
        time_scale,
    )
