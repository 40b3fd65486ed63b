"""The demo's comparison of books: each of its counts must be able to say that something is wrong."""

from __future__ import annotations

from typing import Any

from deploy.local import books
from deploy.local.books import Ours
from deploy.world.journey import CREATE
from shared.broker.ports import Partition, Record

Json = dict[str, Any]


def sold(external_id: str = "1", **more: Any) -> Json:
    """An order in the partners' books: sent, taken, paid once, out once after its release."""
    order: Json = {
        "external_id": external_id, "expected": "completed", "marks": {"released": "2026-11-25T04:00:00.000Z"},
        "pushes": [{"kind": f"shopify {CREATE}", "acked_at": "2026-11-25T03:59:00.000Z", "wanted": "ack"}],
        "captures": [{"amount": 12900}], "refunds": [], "channel_payments": [], "channel_refunds": [],
        "waybills": [{"waybill_no": "W1"}], "fulfilments": [{}],
        "exits": [{"parcel_id": "P1", "at": "2026-11-25T04:00:01.000Z"}],
        "documents": [{"type": "CEB621", "differs": False, "authentic": True}],
    }  # fmt: skip
    return order | more


def ours(*external_ids: str) -> Ours:
    return Ours(orders=[{"external_id": external_id} for external_id in external_ids])


def test_an_acknowledged_order_that_we_do_not_have_is_lost_and_so_is_one_that_nobody_sent() -> None:
    world = {"1": sold("1"), "2": sold("2", expected="refused")}

    assert books._lost(ours("1"), world) == 0
    assert books._lost(ours(), world) == 1
    assert books._lost(ours("1", "2"), world) == 1
    assert books._lost(ours("1", "3"), world) == 1


def test_whatever_happened_twice_is_counted() -> None:
    twice_out = sold(exits=[sold()["exits"][0]] * 2)

    assert books._doubled(ours("1"), {"1": sold()}) == 0
    assert books._doubled(ours("1", "1"), {"1": sold()}) == 1
    assert books._doubled(ours("1"), {"1": twice_out}) == 1
    assert books._doubled(ours("1"), {"1": sold(fulfilments=[{}, {}])}) == 1
    assert books._doubled(ours("1"), {"1": sold(waybills=[{"waybill_no": "W1"}, {"waybill_no": "W2"}])}) == 1
    assert books._doubled(ours("1"), {"1": sold(refunds=[{"amount": 12901, "status": "SUCCESS"}])}) == 1


def test_what_the_provider_keeps_is_taken_less_what_it_has_really_sent_back() -> None:
    refunds = [{"amount": 900, "status": "SUCCESS"}, {"amount": 12000, "status": "PROCESSING"}]

    assert books._kept(sold(refunds=refunds)) == 12000


def test_what_a_channel_collected_counts_like_a_providers_money() -> None:
    paid = sold(captures=[], channel_payments=[{"amount": 12900}])

    assert books._kept(paid) == 12900
    assert books._kept(paid | {"channel_refunds": [{"amount": 12900}]}) == 0


def test_every_order_that_did_not_complete_is_named_with_its_reason_its_hold_or_where_it_is() -> None:
    common = {"shop": "s", "money": {"state": "covered"}, "goods": {"state": "reserved"}, "reason": "", "holds": []}
    orders = [
        {"id": "a", "external_id": "1", "intent": "completed", **common},
        {
            "id": "b",
            "external_id": "2",
            **common,
            "intent": "cancelled",
            "reason": "short",
            "money": {"state": "closed"},
        },
        {"id": "c", "external_id": "3", "intent": "placed", **common, "holds": ["parcel_lost"]},
        {"id": "d", "external_id": "4", "intent": "placed", **common},
    ]
    truth = {"orders": {n: {"external_id": n, "plan": ["x"], "expected": "completed"} for n in "1234"}}

    told = books.not_completed(Ours(orders=orders), truth)

    assert [(one["external_id"], one["state"], one["why"]) for one in told] == [
        ("2", "cancelled", "short"), ("3", "waiting", "parcel_lost"), ("4", "open", "money covered goods reserved"),
    ]  # fmt: skip


def test_an_exit_before_its_release_or_without_one_is_early() -> None:
    assert not books._dispatched_early(sold())
    assert books._dispatched_early(sold(marks={"released": "2026-11-25T04:00:02.000Z"}))
    assert books._dispatched_early(sold(marks={}))


def test_an_order_is_settled_only_when_its_money_is() -> None:
    def state(intent: str, money: str = "covered", *holds: str) -> str:
        return books.state_of({"intent": intent, "money": {"state": money}, "holds": list(holds)})

    assert state("completed") == "completed"
    assert state("cancelled", "refunded") == "cancelled"
    assert state("cancelled", "refunding") == "open"
    assert state("placed", "covered", "customs") == "waiting"
    assert state("placed", "none", "identity_missing") == "open"


def test_a_fact_that_overtook_another_of_its_key_is_counted_and_a_repetition_is_not() -> None:
    last: dict[tuple[str, str], int] = {}
    seen: set[bytes] = set()
    arrived = [("a", 1), ("a", 3), ("a", 1), ("a", 2), ("b", 4)]

    records = [
        Record(Partition("orders.order", 0), offset, key, b"", _headers(version), 0)
        for offset, (key, version) in enumerate(arrived)
    ]

    assert [books._overtaken(record, last, seen) for record in records] == [False, False, False, True, False]


def _headers(version: int) -> tuple[tuple[str, bytes], ...]:
    """Here a fact is known by its version alone."""
    return ("ce_id", b"%d" % version), ("ce_aggregateversion", b"%d" % version)
