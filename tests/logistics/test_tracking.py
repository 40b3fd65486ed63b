from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.logistics.milestones import Coarse, Milestone, milestone_named
from services.logistics.tracking import (
    Advanced,
    Classifier,
    Location,
    Raw,
    Reason,
    Ref,
    State,
    TrackingEvent,
    ZoneSource,
    absent,
    dedupe_key,
    native_dedupe_key,
    reduce,
    take,
    weight_discrepancy,
)
from shared.errors import Unrecognised

M = Milestone
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
NOW = START + timedelta(days=30)
PARCEL = Ref("carrier_tracking_number", "TCX1")


def scan(
    milestone: Milestone,
    hour: float,
    *,
    country: str | None = None,
    reason: Reason | None = None,
    classifier: Classifier = Classifier.ACTUAL,
    received: datetime | None = None,
) -> TrackingEvent:
    at, place = START + timedelta(hours=hour), Location(country=country)
    return TrackingEvent(
        provider="test",
        ref=PARCEL,
        milestone=milestone,
        event_time=at,
        received_at=received or at,
        offset="+08:00",
        zone_source=ZoneSource.EXPLICIT,
        raw=Raw(milestone.value),
        dedupe_key=dedupe_key("test", PARCEL, classifier, at, basis=milestone.value, location=place),
        location=place,
        classifier=classifier,
        reason=reason,
    )


def state(*events: TrackingEvent, origin: str | None = "CN") -> State:
    return reduce(events, NOW, origin_country=origin)


def ends(*events: TrackingEvent) -> tuple[Milestone | None, Coarse | None]:
    found = state(*events)
    return found.milestone, found.status


def test_nothing_is_nothing() -> None:
    assert state() == State()


def test_a_later_scan_sets_the_milestone_even_of_lower_rank() -> None:
    assert ends(scan(M.OUT_FOR_DELIVERY, 1), scan(M.DESTINATION_HUB_IN, 2))[0] is M.DESTINATION_HUB_IN


def test_within_one_second_the_higher_rank_comes_last() -> None:
    assert ends(scan(M.DELIVERED, 1), scan(M.OUT_FOR_DELIVERY, 1), scan(M.IN_TRANSIT, 1))[0] is M.DELIVERED


def test_only_what_happened_counts() -> None:
    assert state(scan(M.DELIVERED, 1, classifier=Classifier.ESTIMATED)) == State()


def test_data_only_messages_change_nothing() -> None:
    assert state(scan(M.PICKED_UP, 1), scan(M.INFO_UPDATE, 2)) == state(scan(M.PICKED_UP, 1))


@pytest.mark.parametrize(
    ("before", "status"),
    [
        (M.LABEL_CREATED, Coarse.IN_TRANSIT),
        (M.EXCEPTION, Coarse.IN_TRANSIT),
        (M.DELIVERY_ATTEMPT_FAILED, Coarse.IN_TRANSIT),
        (M.OUT_FOR_DELIVERY, Coarse.OUT_FOR_DELIVERY),
        (M.IMPORT_CUSTOMS_HELD, Coarse.CUSTOMS_HOLD),
    ],
)
def test_a_bare_movement_clears_a_trouble_and_keeps_the_milestone(before: Milestone, status: Coarse) -> None:
    assert ends(scan(before, 1), scan(M.IN_TRANSIT, 2)) == (before, status)


def test_a_bare_movement_is_the_milestone_where_there_is_none() -> None:
    assert ends(scan(M.IN_TRANSIT, 1)) == (M.IN_TRANSIT, Coarse.IN_TRANSIT)


def test_import_papers_before_departure_do_not_move_the_parcel() -> None:
    assert ends(scan(M.PICKED_UP, 1), scan(M.IMPORT_CUSTOMS_STARTED, 2, country="KE"))[0] is M.PICKED_UP


@pytest.mark.parametrize("proof", [scan(M.DEPARTED_ORIGIN, 2), scan(M.IN_TRANSIT, 2, country="AE")])
def test_after_proof_of_departure_they_do(proof: TrackingEvent) -> None:
    assert ends(scan(M.PICKED_UP, 1), proof, scan(M.IMPORT_CUSTOMS_STARTED, 3))[0] is M.IMPORT_CUSTOMS_STARTED


def test_trouble_at_origin_is_no_proof_of_departure() -> None:
    found = ends(scan(M.PICKED_UP, 1), scan(M.EXCEPTION, 2, country="CN"), scan(M.IMPORT_CUSTOMS_STARTED, 3))
    assert found[0] is M.EXCEPTION


def test_import_customs_without_any_origin_scan_counts_at_once() -> None:
    assert ends(scan(M.IMPORT_CUSTOMS_RELEASED, 1))[0] is M.IMPORT_CUSTOMS_RELEASED


@pytest.mark.parametrize(
    ("end", "later", "wanted"),
    [
        (M.DELIVERED, M.OUT_FOR_DELIVERY, M.DELIVERED),
        (M.DELIVERED, M.EXCEPTION, M.DELIVERED),
        (M.DELIVERED, M.RETURN_INITIATED, M.RETURN_INITIATED),
        (M.RETURNED, M.OUT_FOR_DELIVERY, M.RETURNED),
        (M.DESTROYED, M.RETURNED, M.DESTROYED),
        (M.LOST, M.DESTINATION_HUB_IN, M.DESTINATION_HUB_IN),
        (M.LOST, M.LABEL_CREATED, M.LOST),
        (M.LOST, M.EXCEPTION, M.LOST),
        (M.CANCELLED, M.PICKED_UP, M.PICKED_UP),
    ],
)
def test_after_an_end_only_some_scans_count(end: Milestone, later: Milestone, wanted: Milestone) -> None:
    assert ends(scan(end, 1), scan(later, 2))[0] is wanted


@pytest.mark.parametrize(
    "back",
    [
        [scan(M.RETURN_INITIATED, 1)],
        [scan(M.RETURN_IN_TRANSIT, 1)],
        [
            scan(M.DELIVERY_ATTEMPT_FAILED, 1, country="KE", reason=Reason.RECIPIENT_REFUSED),
            scan(M.IN_TRANSIT, 2, country="CN"),
        ],
        [scan(M.DELIVERY_ATTEMPT_FAILED, 1, reason=Reason.RECIPIENT_REFUSED), scan(M.ORIGIN_HUB_IN, 2)],
    ],
)
def test_signed_on_the_way_back_is_the_senders_receipt(back: list[TrackingEvent]) -> None:
    assert ends(*back, scan(M.DELIVERED, 9)) == (M.RETURNED, Coarse.RETURNED)


def test_an_absent_recipient_and_a_second_attempt_is_a_delivery() -> None:
    failed = scan(M.DELIVERY_ATTEMPT_FAILED, 1, country="KE", reason=Reason.RECIPIENT_UNAVAILABLE)
    assert ends(failed, scan(M.OUT_FOR_DELIVERY, 2, country="KE"), scan(M.DELIVERED, 3))[0] is M.DELIVERED


def test_a_scan_from_the_future_waits_until_its_time_has_come() -> None:
    ahead = scan(M.DELIVERED, 5, received=START)

    assert reduce([ahead], START + timedelta(hours=4)) == State()
    assert reduce([ahead], START + timedelta(hours=5)).milestone is M.DELIVERED


def test_ten_minutes_ahead_are_a_clocks_drift() -> None:
    near = scan(M.DELIVERED, 10 / 60, received=START)
    assert reduce([near], START).milestone is M.DELIVERED


EVENTS = st.lists(
    st.builds(
        scan,
        st.sampled_from(list(M)),
        st.integers(min_value=0, max_value=6),
        country=st.sampled_from([None, "CN", "KE"]),
    ),
    max_size=7,
    unique_by=lambda event: event.dedupe_key,
)


@given(events=EVENTS, seed=st.randoms(use_true_random=False))
def test_the_state_does_not_depend_on_the_order_of_arrival(events: list[TrackingEvent], seed: object) -> None:
    # Two scans of one second and one rank are told apart by arrival alone: leave one of them.
    events = list({(event.event_time, event.milestone.value): event for event in events}.values())
    events = list(
        {(e.event_time, e.milestone in (M.IN_TRANSIT, M.INFO_UPDATE) or e.milestone): e for e in events}.values()
    )
    shuffled = list(events)
    seed.shuffle(shuffled)  # type: ignore[attr-defined]

    assert state(*shuffled) == state(*events)


@given(events=EVENTS, cut=st.integers(min_value=0, max_value=7))
def test_taking_events_in_two_portions_ends_where_one_would(events: list[TrackingEvent], cut: int) -> None:
    first = take([], events[:cut], NOW, origin_country="CN")
    second = take(first.new, events, NOW, origin_country="CN")

    assert second.duplicates == len(events[:cut])
    assert second.state == reduce([*first.new, *second.new], NOW, origin_country="CN")


def test_a_repeat_is_counted_and_stored_once() -> None:
    event = scan(M.PICKED_UP, 1)

    update = take([event], [event, event], NOW)

    assert (update.new, update.duplicates, update.advanced) == ((), 2, ())


def test_what_came_late_completes_the_history_and_is_called_late() -> None:
    delivered, picked = scan(M.DELIVERED, 9), scan(M.PICKED_UP, 1)

    update = take([delivered], [picked], NOW)

    assert update.state.milestone is M.DELIVERED
    assert update.advanced == (Advanced(M.PICKED_UP, picked.event_time, late=True),)


def test_news_are_the_milestones_reached_for_the_first_time_in_order() -> None:
    update = take(
        [scan(M.PICKED_UP, 1)], [scan(M.DELIVERED, 9), scan(M.OUT_FOR_DELIVERY, 5), scan(M.PICKED_UP, 2)], NOW
    )

    assert [(one.milestone, one.late) for one in update.advanced] == [(M.OUT_FOR_DELIVERY, False), (M.DELIVERED, False)]
    assert [event.milestone for event in update.new] == [M.PICKED_UP, M.OUT_FOR_DELIVERY, M.DELIVERED]


def test_what_a_newer_snapshot_leaves_out_is_named_and_other_sources_are_not() -> None:
    kept, gone = scan(M.PICKED_UP, 1), scan(M.ORIGIN_HUB_IN, 2)
    other = replace(scan(M.DELIVERED, 3), provider="else")

    assert absent([kept, gone, other], [kept]) == {gone.dedupe_key}


def test_identity_is_a_digest_of_what_tells_two_scans_apart() -> None:
    at = datetime(2026, 3, 2, 11, 5, 11, tzinfo=UTC)
    ref = Ref("cainiao_lp", "LP00512345678901")

    def key(basis: str, name: str) -> str:
        return dedupe_key("cainiao", ref, Classifier.ACTUAL, at, basis=basis, location=Location(name=name))

    code = "SORTING_CENTER_INBOUND_CALLBACK"
    assert key(code, " HANGZHOU ") == "40e194b9834547856242424f299f81b4ffa89ce8b00efb9bdcbc5bd071230f30"
    assert key(code + "|1", "Hangzhou") != key(code, "Hangzhou") != key(code, "Yiwu")
    assert native_dedupe_key("sf", "1") != native_dedupe_key("dcsa", "1")


@pytest.mark.parametrize(
    ("declared", "verified", "wanted"),
    [(300, 350, False), (300, 351, True), (300, 249, True), (2000, 2100, False), (2000, 2101, True), (0, 51, True)],
)
def test_a_reweigh_alarms_beyond_fifty_grams_and_five_percent(declared: int, verified: int, wanted: bool) -> None:
    assert weight_discrepancy(declared, verified) is wanted


def test_an_unknown_milestone_is_unrecognised() -> None:
    with pytest.raises(Unrecognised):
        milestone_named("teleported")
