"""Which promise a shop's parcels run under, and how it stands. Pure; the rules themselves are in `promise.py`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.logistics.milestones import Milestone
from services.logistics.promise import Promise, Terms, Verdict, clock_start, due_at, judge, pauses, stopped_at
from services.logistics.shipment import Parcel
from services.logistics.tracking import reduce
from shared.clock import scaled
from shared.corridor import Corridor


@dataclass(frozen=True, slots=True)
class Standing:
    """`due_at` None: the clock has not started."""

    promise: Promise
    started_at: datetime | None = None
    due_at: datetime | None = None
    verdict: Verdict = Verdict.RUNNING


@dataclass(frozen=True, slots=True)
class Promises:
    corridor: Corridor
    time_scale: float = 1.0

    def standing(self, parcel: Parcel, now: datetime) -> Standing | None:
        """How the parcel's promise stands at `now`; None where its flow promises nothing that we can clock.

        The allowed time is business time: divided by `time_scale`.
        """
        terms = self._terms(parcel.shop, now)
        if terms is None:
            return None
        state = reduce(parcel.events, now, origin_country=parcel.origin_country)
        start = clock_start(state)
        if start is None:
            return Standing(terms.promise)
        due = start + scaled(due_at(terms, start, pauses(parcel.events, now)) - start, self.time_scale)
        courier = state.first(Milestone.OUT_FOR_DELIVERY) is not None
        return Standing(terms.promise, start, due, judge(due, stopped_at(state), now, out_for_delivery=courier))

    def _terms(self, shop: str, now: datetime) -> Terms | None:
        flow = self.corridor.flow_of(self.corridor.shop_of(shop).flows[0])
        if flow.promise not in set(Promise):
            return None
        zone = next(city.zone for city in self.corridor.city if city.role == flow.to)
        return Terms(Promise(flow.promise), now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta())
