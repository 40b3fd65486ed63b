"""The tower's JSON over a real database: who sees what, by which number it is found, and what each answer holds."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.tower.attention import DeadLetter
from shared.events import orders
from shared.flow.items import Fate
from tests.support.tales import NOON, Tale, record
from tests.support.tower import Tower


async def test_a_timeline_says_what_when_by_whom_because_of_what_and_in_which_trace(tower: Tower) -> None:
    tale = Tale()
    placed = tale.placed()
    tale.admitted()
    await tower.hears(tale)

    told = await tower.get(f"/v1/orders/{tale.order}/timeline")

    assert (told["order_id"], told["external_id"], told["state"], told["acts"]) == (
        tale.order, "1001", "unpaid", "payments",
    )  # fmt: skip
    assert [(line["n"], line["service"], line["type"], line["cause"]["n"]) for line in told["facts"]] == [
        (1, "orders", "orders.order.placed", None),
        (2, "customs", "customs.assessment.made", 1),
        (3, "catalog", "catalog.reservation.made", 1),
        (4, "orders", "orders.order.payment-requested", 2),
    ]
    second = told["facts"][1]
    assert second["cause"] == {"id": placed, "n": 1}
    assert (second["summary"], second["detail"]) == ("Admissible, valued and taxed", "goods CNY 118.24, tax CNY 10.76")
    assert second["at"] == "2026-11-25T04:00:02Z"
    assert len(second["trace_id"]) == 32


async def test_the_same_timeline_in_chinese(tower: Tower) -> None:
    tale = Tale().rejected()
    await tower.hears(tale)

    told = await tower.get(f"/v1/orders/{tale.order}/timeline?lang=zh")

    assert (told["level"], told["why"]) == ("bad", "海关退单：-620013 收货地址不完整")
    assert told["facts"][-1]["summary"] == "暂停：地址或商品待更正"


async def test_facts_that_come_twice_are_told_once(tower: Tower) -> None:
    tale = Tale().whole()

    first = await tower.hears(tale)
    again = await tower.takes(tale.records())

    assert set(first) == {Fate.DONE}
    assert set(again) == {Fate.DUPLICATE}
    assert len((await tower.get(f"/v1/orders/{tale.order}/timeline"))["facts"]) == len(tale.envelopes)


async def test_a_seller_sees_its_own_orders_and_no_others(tower: Tower) -> None:
    own, foreign = Tale("1001").to_customs(), Tale("1002", seller="lakeside-tea").to_customs()
    await tower.hears(own, foreign)

    seen = {
        role: {one["order_id"] for one in (await tower.get("/v1/tower/orders", role))["orders"]}
        for role in ("operator", "service", "seller", "other")
    }

    assert seen == {
        "operator": {own.order, foreign.order}, "service": {own.order, foreign.order}, "seller": {own.order},
        "other": {foreign.order},
    }  # fmt: skip
    assert (await tower.page(f"/v1/orders/{foreign.order}/timeline", "seller")).status_code == 404
    assert (await tower.get(f"/v1/tower/search?q={foreign.waybill}", "seller"))["hits"] == []
    assert (await tower.get("/v1/tower/overview", "seller"))["orders"]["total"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/v1/tower/overview",
        "/v1/tower/orders",
        "/v1/tower/search?q=1001",
        "/v1/tower/dead-letters",
        "/v1/orders/x/timeline",
    ],
)
async def test_without_a_token_nothing_is_told(tower: Tower, path: str) -> None:
    answer = await tower.page(path, role="")

    assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")


async def test_a_pages_cookie_opens_no_api(tower: Tower) -> None:
    async with tower.client() as client:
        await client.post("/login", data={"token": tower.tokens["operator"]})

        assert (await client.get("/orders")).status_code == 200
        assert (await client.get("/v1/tower/orders")).status_code == 401


async def test_dead_letters_are_for_operators(tower: Tower) -> None:
    answer = await tower.page("/v1/tower/dead-letters", "seller")

    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


async def test_an_order_is_found_by_any_number_whole_or_by_its_end(tower: Tower) -> None:
    tale = Tale("10077").to_customs()
    tale.released()
    await tower.hears(tale, Tale("20022").to_customs())
    numbers = (await tower.get(f"/v1/orders/{tale.order}/timeline"))["numbers"]
    asked = [*numbers.values(), tale.waybill[-4:], f" {tale.waybill[:4].lower()}-{tale.waybill[4:]} ", "#10077"]

    found = [
        [hit["order_id"] for hit in (await tower.get(f"/v1/tower/search?q={q.replace('#', '%23')}"))["hits"]]
        for q in asked
    ]

    assert found == [[tale.order]] * len(asked)


async def test_an_order_is_found_by_a_fact_and_by_a_trace(tower: Tower) -> None:
    tale = Tale().to_customs()
    await tower.hears(tale)
    line = (await tower.get(f"/v1/orders/{tale.order}/timeline"))["facts"][6]

    by_fact = (await tower.get(f"/v1/tower/search?q={line['id']}"))["hits"]
    by_trace = (await tower.get(f"/v1/tower/search?q={line['trace_id']}"))["hits"]

    assert [(hit["order_id"], hit["fact"]) for hit in by_fact] == [(tale.order, line["id"])]
    assert [hit["order_id"] for hit in by_trace] == [tale.order]


async def test_a_list_is_filtered_and_paged_without_losing_or_repeating_one(tower: Tower) -> None:
    tales = [Tale(str(2000 + n), at=NOON + timedelta(minutes=n)) for n in range(5)]
    for tale in tales:
        tale.placed()
    await tower.hears(*tales, Tale("3000").rejected())

    first = await tower.get("/v1/tower/orders?state=placed&limit=3")
    second = await tower.get(f"/v1/tower/orders?state=placed&limit=3&after={first['next'].replace('+', '%2B')}")
    held = await tower.get("/v1/tower/orders?hold=customs")
    refused = await tower.get("/v1/tower/orders?reason=rejected&problems=true")

    assert [one["external_id"] for one in (*first["orders"], *second["orders"])] == [
        "2004",
        "2003",
        "2002",
        "2001",
        "2000",
    ]
    assert second["next"] is None
    assert [one["external_id"] for one in held["orders"]] == ["3000"]
    assert [one["external_id"] for one in refused["orders"]] == ["3000"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=201", "state=nowhere", "after=yesterday", "after=2026-11-25T04:00:00~x",
        "after=0001-01-01T00:00:00%2B14:00~x",
    ],
)  # fmt: skip
async def test_a_query_that_cannot_be_is_refused(tower: Tower, query: str) -> None:
    answer = await tower.page(f"/v1/tower/orders?{query}")

    assert answer.status_code in (400, 422)


async def test_the_overview_counts_by_state_and_age_and_says_what_is_late(tower: Tower) -> None:
    placed, paid = Tale("1"), Tale("2", at=NOON - timedelta(hours=5))
    placed.placed()
    paid.placed()
    paid.admitted()
    paid.opened()
    paid.captured()
    await tower.hears(paid, placed, Tale("3", at=NOON - timedelta(days=20)).whole())

    figures = await tower.get("/v1/tower/overview")

    assert figures["orders"] == {"total": 3, "open": 2, "ended": {"completed": 1}, "need_a_look": 1}
    assert figures["states"] == {
        "placed": {"by_age": [1, 0, 0, 0, 0, 0], "late": [0, 0, 0, 0, 0, 0]},
        "paid": {"by_age": [0, 1, 0, 0, 0, 0], "late": [0, 1, 0, 0, 0, 0]},
    }
    assert figures["money_in_hand"] == [{"minor": 12900, "currency": "CNY"}]
    assert (sum(figures["accepted"]), sum(figures["completed"])) == (2, 0)


async def test_reasons_are_counted_blocked_ones_first(tower: Tower) -> None:
    held = Tale("9")
    held.placed()
    held.say(orders.HoldSet(**held.of(), hold="identity_missing", reason="no identity"))
    await tower.hears(held, Tale("1").rejected(), Tale("2").rejected(), Tale("3").mismatched())

    reasons = (await tower.get("/v1/tower/overview"))["reasons"]

    assert [(one["reason"], one["level"], one["orders"]) for one in reasons] == [
        ("rejected", "bad", 2), ("mismatched", "bad", 1), ("hold.identity_missing", "warn", 1),
    ]  # fmt: skip


async def test_dead_letters_are_those_it_is_told_of_and_its_own(tower: Tower) -> None:
    tale = Tale()
    tale.placed()
    tower.letters.append(DeadLetter("customs", tale.order, "orders.order.amended", "flow.bug", "KeyError", NOON))
    spoilt, after = record(tale.envelopes[0], 0), record(tale.envelopes[0], 1)
    headers = tuple((name, b"orders.order.unheard" if name == "ce_type" else value) for name, value in spoilt.headers)
    unknown = type(spoilt)(spoilt.partition, 0, spoilt.key, spoilt.value, headers, 0)

    fates = await tower.takes([unknown, after])
    answer = await tower.get("/v1/tower/dead-letters")

    assert fates == [Fate.DEAD, Fate.WAITS]
    assert answer["count"] == 2
    assert [(group["service"], group["code"], group["letters"][0]["behind"]) for group in answer["groups"]] == [
        ("customs", "flow.bug", 0), ("tower", "events.unknown", 1),
    ]  # fmt: skip
