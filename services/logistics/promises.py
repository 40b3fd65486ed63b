"""Which promise a shop's parcels run under, and how it stands. Pure; the rules themselves are in `promise.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
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
    _days: dict[str, frozenset[date]] = field(default_factory=dict, compare=False, repr=False)

    def standing(self, parcel: Parcel, now: datetime) -> Standing | None:
        """How the parcel's promise stands at `now`; None where its flow promises nothing that we can clock.

        The allowed time is business time: divided by `time_scale`.
        """
        terms = self._terms(parcel, now)
        if terms is None:
            return None
        state = reduce(parcel.believed, now, origin_country=parcel.origin_country)
        start = clock_start(state)
        if start is None:
            return Standing(terms.promise)
        due = start + scaled(due_at(terms, start, pauses(parcel.believed, now)) - start, self.time_scale)
        courier = state.first(Milestone.OUT_FOR_DELIVERY) is not None
        return Standing(terms.promise, start, due, judge(due, stopped_at(state), now, out_for_delivery=courier))

    def _terms(self, parcel: Parcel, now: datetime) -> Terms | None:
        flow = self.corridor.flow_of(parcel.flow or self.corridor.shop_of(parcel.shop).flows[0])
        if flow.promise not in set(Promise):
            return None
        zone = next(city.zone for city in self.corridor.city if city.role == flow.to)
        offset = now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta()
        return Terms(Promise(flow.promise), offset, self._excluded(flow.promise))

    def _excluded(self, promise: str) -> frozenset[date]:
        """Days that do not count: a profile says whose ("CN:customs": when China's customs stands still)."""
        if promise not in self._days:
            terms = next(one for one in self.corridor.promise if one.id == promise)
            wanted = [tuple(word.split(":")) for word in terms.excludes if ":" in word]
            self._days[promise] = frozenset(
                day
                for country, stops in wanted
                for holiday in self.corridor.holiday
                if holiday.country == country and stops in holiday.stops
                for span in holiday.dates
                for day in _days(span)
            )
        return self._days[promise]


def _days(span: str) -> Iterator[date]:
    """One day, or the days from the first to the last of "a/b"."""
    first, _, last = span.partition("/")
    day, end = date.fromisoformat(first), date.fromisoformat(last or first)
    while day <= end:
        yield day
        day += timedelta(days=1)
