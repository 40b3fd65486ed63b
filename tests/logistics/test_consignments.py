"""Consignments: what the hub says of the whole reaches each of its parcels, once, in whatever order it is heard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from services.logistics.commands import BOOK, SPREAD, Arrived, Closed, Departed, Member, Spread, Waybill
from services.logistics.consignments import CONSIGNMENT, Consignment
from services.logistics.milestones import Milestone
from services.logistics.shipment import SHIPMENT, Shipment
from shared.events.base import Event
from shared.events.logistics import ConsignmentClosed, ParcelConsolidated
from shared.flow.decision import Decision, Due, Early, Outcome, States, Work
from shared.ids import OrderId, parcel_id
from tests.logistics.shipments import (
    NOW,
    ORDER,
    PARCEL,
    PROCESS,
    booked,
    handed_over,
    labelled,
    mailed,
    minutes,
    names,
    scan,
    scanned,
)


class Hub:
    """Consignments and orders in one memory, so that a chunk reaches the parcels of many orders."""

    def __init__(self, orders: int = 1) -> None:
        self.work: dict[tuple[str, str], Work] = {}
        self.states: dict[tuple[str, str], object] = {}
        self.members = [self._member(number) for number in range(orders)]
        for member in self.members:
            self._book(member)

    def _member(self, number: int) -> Member:
        order = OrderId(f"{ORDER}-{number}")
        return Member(order, parcel_id(order, 1))

    def _book(self, member: Member) -> None:
        self.hear(mailed(order_id=member.order_id, parcel_id=member.parcel_id))
        work = self.work.pop((BOOK, member.parcel_id))
        self.hear(Outcome(BOOK, work.lane, work.name, work.task, Waybill(f"W{member.parcel_id}")))
        self.work.clear()

    def hear(self, content: object, now: datetime = NOW) -> list[Event]:
        reach = PROCESS.reach(content)
        states = States({key: self.states[key] for key in reach.keys if key in self.states})
        decision = PROCESS.decide(states, content, now)
        assert isinstance(decision, Decision)
        assert {fact.key for fact in decision.facts} <= set(reach.lanes)
        assert {work.lane for work in decision.work} <= set(reach.lanes)
        self.states |= {put.key: put.value for put in decision.puts}
        self.work |= {(work.kind, work.name): work for work in decision.work}
        return list(decision.facts)

    def settles(self, now: datetime = NOW, *, backwards: bool = False) -> list[Event]:
        """Every chunk that waits reaches its parcels."""
        rows = [key for key in self.work if key[0] == SPREAD]
        spoken: list[Event] = []
        for kind, name in reversed(rows) if backwards else rows:
            work = self.work.pop((kind, name))
            spoken += self.hear(Outcome(kind, work.lane, name, work.task, Due()), now)
        return spoken

    def shipment(self, number: int = 0) -> Shipment:
        found = self.states[SHIPMENT.key(self.members[number].order_id)]
        assert isinstance(found, Shipment)
        return found

    def travels(self, number: int = 0) -> str | None:
        (parcel,) = self.shipment(number).parcels.values()
        return parcel.travels.consignment_id if parcel.travels else None

    def cases(self, number: int = 0) -> list[str]:
        return [case.code for case in self.shipment(number).open_cases]


def closed(hub: Hub, name: str = "C1", at: float = 60, **other: object) -> Closed:
    fields = {"members": tuple(hub.members), "strays": ()} | other
    return Closed(name, f"706-{name}", f"KQ{name}", "KQ-CARGO", at=minutes(at), **fields)  # type: ignore[arg-type]


def test_a_closed_consignment_speaks_for_itself_and_for_each_of_its_parcels() -> None:
    hub = Hub()

    (whole,) = hub.hear(closed(hub))
    of_parcel = hub.settles()

    assert isinstance(whole, ConsignmentClosed)
    assert (whole.key, whole.master_bill, whole.parcels) == ("C1", "706-C1", 1)
    assert names(of_parcel) == ["handed-over", "consolidated"]
    fact = of_parcel[1]
    assert isinstance(fact, ParcelConsolidated)
    assert (fact.consignment_id, fact.master_bill, fact.voyage, fact.vehicle) == ("C1", "706-C1", "KQC1", "KQ-CARGO")


def test_its_departure_and_arrival_are_milestones_of_each_parcel_once() -> None:
    hub = Hub(2)
    hub.hear(closed(hub))
    hub.settles()

    whole = hub.hear(Departed("C1", (), minutes(90)), minutes(91))
    assert [fact.type for fact in whole] == ["logistics.consignment.departed"]
    assert names(hub.settles(minutes(91))) == ["departed_origin"] * 2
    hub.hear(Arrived("C1", minutes(400)), minutes(401))
    assert names(hub.settles(minutes(401))) == ["arrived_destination"] * 2

    assert hub.hear(Departed("C1", (), minutes(90))) == []
    assert hub.hear(Arrived("C1", minutes(401))) == []


def test_chunks_that_come_late_or_in_any_order_say_the_same() -> None:
    hub = Hub()
    hub.hear(closed(hub))
    first = next(iter(hub.work.values()))
    hub.hear(Departed("C1", (), minutes(90)), minutes(91))
    hub.hear(Arrived("C1", minutes(400)), minutes(401))

    told = hub.settles(minutes(401))

    assert names(told) == ["handed-over", "consolidated", "departed_origin", "arrived_destination"]
    assert hub.hear(Outcome(SPREAD, "C1", first.name, first.task, Due()), minutes(402)) == []


def test_two_hundred_and_fifty_parcels_go_in_three_chunks() -> None:
    hub = Hub(250)
    hub.hear(closed(hub))

    sizes = [len(work.task.members) for work in hub.work.values() if isinstance(work.task, Spread)]

    assert sizes == [100, 100, 50]
    assert names(hub.settles(backwards=True)) == ["handed-over", "consolidated"] * 250


def test_an_offloaded_bag_departs_with_its_next_flight_only() -> None:
    hub = Hub(2)
    hub.hear(closed(hub))
    hub.settles()

    hub.hear(Departed("C1", (hub.members[1].parcel_id,), minutes(90)), minutes(91))
    assert names(hub.settles(minutes(91))) == ["departed_origin"]
    assert (hub.travels(0), hub.travels(1)) == ("C1", None)

    hub.hear(closed(hub, "C2", 120, members=(hub.members[1],)), minutes(121))
    assert names(hub.settles(minutes(121))) == ["consolidated"]
    hub.hear(Arrived("C1", minutes(400)), minutes(401))
    assert names(hub.settles(minutes(401))) == ["arrived_destination"]
    hub.hear(Departed("C2", (), minutes(500)), minutes(501))
    assert names(hub.settles(minutes(501))) == ["departed_origin"]
    assert (hub.travels(0), hub.travels(1)) == ("C1", "C2")


def test_a_parcel_that_a_second_consignment_names_left_the_first() -> None:
    hub = Hub()
    hub.hear(closed(hub))
    hub.settles()
    hub.hear(closed(hub, "C2", 70))
    assert names(hub.settles()) == ["consolidated"]

    hub.hear(Departed("C1", (), minutes(90)), minutes(91))
    assert names(hub.settles(minutes(91))) == []

    assert hub.travels() == "C2"


def test_an_older_consignment_that_is_heard_of_late_does_not_take_it_back() -> None:
    hub = Hub()
    hub.hear(closed(hub, "C2", 70))
    hub.settles()

    hub.hear(closed(hub, "C1", 60))
    assert names(hub.settles()) == []

    assert (hub.travels(), hub.cases()) == ("C2", ["consignment_ignored"])


def test_a_list_that_is_closed_after_its_flight_left_is_a_case_for_those_whom_it_adds() -> None:
    hub = Hub(2)
    hub.hear(closed(hub, members=(hub.members[0],)))
    hub.hear(Departed("C1", (), minutes(90)), minutes(91))
    hub.settles(minutes(91))

    assert hub.hear(closed(hub, "C1", 95), minutes(96)) == []
    assert hub.settles(minutes(96)) == []

    assert (hub.cases(0), hub.cases(1), hub.travels(1)) == ([], ["consignment_ignored"], None)
    hub.hear(closed(hub, "C1", 95), minutes(97))
    hub.settles(minutes(97))
    assert len(hub.shipment(1).cases) == 1


def test_a_bonded_parcel_in_a_consignment_is_a_case_and_hears_nothing_of_it() -> None:
    story = booked()
    hub = Hub()
    hub.members, hub.states = [Member(ORDER, PARCEL)], {SHIPMENT.key(ORDER): story.shipment}
    hub.hear(closed(hub))
    hub.hear(Departed("C1", (), minutes(90)), minutes(91))

    assert hub.settles(minutes(91)) == []

    assert (hub.cases(), hub.travels()) == (["not_of_this_flow"], None)
    assert hub.shipment().parcels[PARCEL].handed_over_at is None


def test_a_hand_over_that_its_consignment_implied_is_told_earlier_by_the_origin() -> None:
    story = labelled()
    hub = Hub()
    hub.members, hub.states = [Member(ORDER, PARCEL)], {SHIPMENT.key(ORDER): story.shipment}
    hub.hear(closed(hub), minutes(60))
    hub.settles(minutes(60))
    assert hub.hear(scanned(scan(Milestone.PICKED_UP, minutes(46))), minutes(61)) == []
    assert hub.cases() == ["scan_before_handover"]

    assert names(hub.hear(handed_over(), minutes(62))) == ["picked_up"]
    assert hub.cases() == []


def test_a_newer_list_of_the_same_consignment_replaces_the_older() -> None:
    hub = Hub(2)
    hub.hear(closed(hub))
    hub.settles()

    hub.hear(closed(hub, "C1", 70, members=(hub.members[0],)))
    hub.settles()

    assert (hub.travels(0), hub.travels(1)) == ("C1", None)
    assert hub.hear(closed(hub)) == []


def test_a_consignment_that_moves_before_its_list_is_heard_waits_for_it() -> None:
    for content in (Departed("C9", (), NOW), Arrived("C9", NOW)):
        assert isinstance(PROCESS.decide(States(), content, NOW), Early)


def test_a_parcel_that_nobody_asked_for_is_kept_apart() -> None:
    hub = Hub()
    hub.hear(closed(hub, strays=("P-unknown",)))

    found = hub.states[CONSIGNMENT.key("C1")]
    assert isinstance(found, Consignment)
    assert found.strays == ("P-unknown",)
    assert names(hub.settles()) == ["handed-over", "consolidated"]


@pytest.mark.parametrize("first", ["scan", "consignment"])
def test_a_milestone_that_tracker_and_consignment_both_know_is_spoken_once(first: str) -> None:
    story = labelled()
    hub = Hub()
    hub.members, hub.states = [Member(ORDER, PARCEL)], {SHIPMENT.key(ORDER): story.shipment}
    hub.hear(closed(hub))
    hub.settles()
    seen = scanned(scan(Milestone.DEPARTED_ORIGIN, minutes(95), received=minutes(100)))

    def by_scan() -> list[Event]:
        return hub.hear(seen, minutes(100))

    def by_consignment() -> list[Event]:
        hub.hear(Departed("C1", (), minutes(90)), minutes(100))
        return hub.settles(minutes(100))

    steps: list[Callable[[], list[Event]]] = [by_scan, by_consignment]

    assert names([fact for step in (steps if first == "scan" else steps[::-1]) for fact in step()]) == [
        "departed_origin"
    ]
