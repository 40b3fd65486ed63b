"""What the tower asks of other services: the reader's own rights, a short deadline, and silence that is said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from fastapi import Response

from services.tower.attention import DeadLetter, told
from services.tower.cases import cases
from services.tower.client import Colleagues
from shared.events import orders
from shared.host import Host
from shared.http import operations
from shared.ids import derived
from tests.support.neighbour import Neighbour, declaration, money
from tests.support.tales import NOON, Tale
from tests.support.tower import Tower, opened
from tests.tower.test_pages import read


@pytest.fixture
async def asking(dsn: str, tmp_path: Path, beside: Neighbour) -> AsyncIterator[Tower]:
    """A tower that was told where the others are: all at one place, so that one neighbour answers for all."""
    urls = {f"{name}_url": beside.url for name in ("payments", "customs", "logistics")}
    async with opened(dsn, tmp_path, ask_seconds=0.3, **urls) as running:
        yield running


async def test_the_ledgers_lines_stand_in_the_order_and_lead_to_their_fact(asking: Tower, beside: Neighbour) -> None:
    tale = Tale().to_customs()
    beside.answers[f"/v1/payments/{tale.order}"] = money(tale)
    await asking.hears(tale)

    page = await asking.page(f"/orders/{tale.order}")
    words = read(page)

    assert "due from the provider wechat" in words
    assert "CNY −129.00" in words
    assert "held for the order" in words
    assert "Sum CNY 0.00" in words
    assert "balanced" in words
    assert f"look here Closed, with a note, by POST /v1/payments/{tale.order}/cases/1/close payments" in words
    assert "The provider does not answer: declaring the payment tried 4 times, wechat.unreachable" in words
    assert "asking whether it was paid" not in words
    number = next(n for n, e in enumerate(tale.envelopes, 1) if e.event.type == "payments.payment.captured")
    assert f'<a href="#e{number}">#{number}</a></th>' in page.text


async def test_customs_own_comparison_comes_before_what_facts_tell(asking: Tower, beside: Neighbour) -> None:
    tale = Tale().to_customs()
    await asking.hears(tale)
    by_facts = read(await asking.page(f"/orders/{tale.order}"))
    beside.answers[f"/v1/declarations/{tale.order}"] = declaration(tale, paid="124.00")

    by_customs = read(await asking.page(f"/orders/{tale.order}"))

    assert "From the facts so far" in by_facts
    assert "As customs compares them." in by_customs
    assert "1 differ" in by_customs
    assert "different Amount paid R02 129.00 124.00 – –" in by_customs
    assert "the same Goods 1 R13 咖啡 – – 咖啡" in by_customs
    assert "quite_new R99 x – – –" in by_customs
    assert "Master bill R19" not in by_customs


async def test_books_that_do_not_balance_are_said_to_be_wrong(asking: Tower, beside: Neighbour) -> None:
    tale = Tale().to_customs()
    answer = money(tale)
    answer["journals"][0]["lines"][0]["minor"] = 12400
    beside.answers[f"/v1/payments/{tale.order}"] = answer
    await asking.hears(tale)

    words = read(await asking.page(f"/orders/{tale.order}"))

    assert "does not balance" in words
    assert "Sum CNY −5.00" in words


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "No line in the ledger yet."),
        (Response(status_code=500), "Payments cannot be reached"),
        (Response("[]", media_type="application/json"), "Payments cannot be reached"),
        (Response("<html>"), "Payments cannot be reached"),
        ({"journals": [{"lines": []}]}, "Payments cannot be reached"),
    ],
)
async def test_a_service_that_does_not_answer_well_takes_its_own_part_away_and_no_other(
    asking: Tower, beside: Neighbour, answer: object, said: str
) -> None:
    tale = Tale().to_customs()
    beside.answers[f"/v1/payments/{tale.order}"] = answer
    await asking.hears(tale)

    words = read(await asking.page(f"/orders/{tale.order}"))

    assert said in words
    assert "Inventory sent to customs" in words
    assert "Received from the buyer" in words


async def test_a_slow_service_delays_a_page_no_longer_than_the_deadline(asking: Tower, beside: Neighbour) -> None:
    tale = Tale().to_customs()
    beside.seconds = 5
    await asking.hears(tale)
    loop = asyncio.get_running_loop()
    begun = loop.time()

    words = read(await asking.page(f"/orders/{tale.order}"))

    assert loop.time() - begun < 3
    assert "Customs' own view cannot be reached" in words


async def test_others_are_asked_with_the_readers_own_token(asking: Tower, beside: Neighbour) -> None:
    tale = Tale().to_customs()
    await asking.hears(tale)

    await asking.page(f"/orders/{tale.order}", "seller")

    assert {who for _, who in beside.asked} == {f"Bearer {asking.tokens['seller']}"}


async def test_a_reader_of_nothing_makes_the_tower_ask_nobody(asking: Tower, beside: Neighbour) -> None:
    foreign = Tale("1002", seller="lakeside-tea").to_customs()
    await asking.hears(foreign)

    await asking.page(f"/orders/{foreign.order}", "seller")

    assert beside.asked == []


async def test_cases_of_all_services_are_one_list_the_oldest_first(asking: Tower, beside: Neighbour) -> None:
    one, two = str(derived("order", "1")), str(derived("order", "2"))
    audit = {"number": 3, "what": "wrong_amount", "detail": "d1", "at": NOON}
    beside.answers |= {
        "/v1/payments/cases": {"cases": [{"order_id": one, "cases": [audit]}]},
        "/v1/shipments/cases": {
            "cases": [
                {"order_id": two, "number": 1, "code": "weight", "detail": "d2", "opened_at": NOON.replace(hour=1)}
            ]
        },
    }

    listed = await asking.get("/v1/tower/cases")
    words = read(await asking.page("/cases"))

    assert [(case["service"], case["code"], case["detail"]) for case in listed["cases"]] == [
        ("logistics", "weight", "d2"), ("payments", "wrong_amount", "d1"),
    ]  # fmt: skip
    assert [(case["number"], case["close"]) for case in listed["cases"]] == [
        ("1", {"method": "POST", "path": f"/v1/orders/{two}/shipment/cases/1/close"}),
        ("3", {"method": "POST", "path": f"/v1/payments/{one}/cases/3/close"}),
    ]
    assert [case["do"] for case in listed["cases"]] == [
        None,
        "Nothing was credited; cancel the order and it goes back.",
    ]
    assert f"POST /v1/payments/{one}/cases/3/close" in words
    assert "Paid amount is not the amount asked wrong_amount 3 d1 What to do: Nothing was credited" in words
    assert listed["silent"] == ["customs"]
    assert "Not reachable: customs." in words
    assert words.index("d2") < words.index("d1")


async def test_the_case_of_an_order_is_listed_with_what_closes_it_also_when_the_order_is_over(asking: Tower) -> None:
    tale = Tale().whole()
    detail = "paid at the channel after it ended here: refund it there"
    found = orders.ConflictFound(
        **tale.of(), track="intent", state="completed", fact="channel.paid", detail=detail, number=2
    )
    tale.say(found)
    await asking.hears(tale)

    (case,) = (await asking.get("/v1/tower/cases"))["cases"]
    chinese = read(await asking.page("/cases", lang="zh"))

    path = f"/v1/orders/{tale.order}/conflicts/2/close"
    assert (case["service"], case["number"], case["close"]) == ("orders", "2", {"method": "POST", "path": path})
    assert (case["detail"], case["title"]) == (detail, "Two words contradict each other")
    assert path in chinese
    assert "订单在此结束后买家又在平台付款" in chinese
    assert "两种说法相互矛盾" in chinese
    assert "refund it there" not in chinese


@pytest.mark.parametrize(
    ("service", "row", "closes"),
    [
        ("customs", {"code": "no_receipt"}, "POST /v1/customs/cases/o-1/no_receipt/close"),
        ("customs", {"code": "a/b"}, "POST /v1/customs/cases/o-1/a%2Fb/close"),
        ("logistics", {"code": "lost_suspicion"}, ""),
        ("catalog", {"code": "x", "number": 1}, ""),
    ],
)
def test_a_case_that_cannot_be_named_claims_no_address(service: str, row: dict[str, object], closes: str) -> None:
    (case,) = cases(service, {"cases": [{"order_id": "o-1", **row}]})

    assert case.closed_by == closes


async def test_cases_are_for_operators(asking: Tower) -> None:
    assert (await asking.page("/cases", "seller")).status_code == 403
    assert (await asking.page("/v1/tower/cases", "seller")).status_code == 403


async def test_what_every_service_has_set_aside_is_asked_of_each_and_kept_a_moment(
    tower: Tower, beside: Neighbour
) -> None:
    row = {
        "kind": "quarantine", "lane": "receipt:1", "what": "receipt shopify", "code": "orders.unread", "reason": "r",
        "at": NOON, "attempts": 1, "behind": 0, "due": None,
    }  # fmt: skip
    beside.answers["/internal/orders/operations"] = {"service": "orders", "counts": {"quarantine": 7}, "rows": [row]}
    urls = {"orders": beside.url, "customs": beside.url, "catalog": ""}
    colleagues = Colleagues(tower.service.resources.http, urls, 0.3)

    found = await colleagues.set_aside("Bearer x")
    again = await colleagues.set_aside("Bearer x")

    assert found == again
    assert (found.for_people, found.silent) == (7, ("customs",))
    assert found.letters == (
        DeadLetter("orders", "receipt:1", "receipt shopify", "orders.unread", "r", NOON, 1, 0, "quarantine"),
    )
    assert len(beside.asked) == 2


async def test_operations_are_mounted_for_every_service_and_told_to_operators_only(tower: Tower) -> None:
    host = Host([tower.service], tower.service.resources.broker)
    host.mount()
    tower.app = host.app

    assert (await tower.page("/internal/tower/operations", "seller")).status_code == 403
    assert (await tower.page("/internal/tower/operations", "service")).status_code == 403
    assert (await tower.page("/internal/tower/operations", "")).status_code == 401
    assert (await tower.get("/internal/tower/operations"))["counts"] == {}


async def test_operations_count_every_kind_and_say_what_waits_behind(tower: Tower) -> None:
    resources = tower.service.resources
    await _fill(tower)

    answer = await operations.set_aside(resources.read, "tower", NOON)
    found = told(answer)

    assert answer["counts"] == {"dead": 1, "early": 1, "overdue": 1, "quarantine": 120, "retrying": 1, "stuck": 1}
    assert (len(found.of("quarantine")), found.counts["quarantine"], found.for_people) == (100, 120, 122)
    assert [(letter.lane, letter.behind) for letter in found.of("dead")] == [("a", 2)]
    assert [letter.lane for letter in found.of("overdue")] == ["late"]
    assert [letter.lane for letter in found.of("retrying")] == ["failing"]


async def test_work_says_a_stable_code_and_whose_answer_is_missing(tower: Tower) -> None:
    await _fill(tower)

    rows = (await operations.set_aside(tower.service.resources.read, "tower", NOON))["rows"]
    work = {row["lane"]: (row["code"], row["reason"], row["who"]) for row in rows if row["what"].startswith("work ")}

    assert work == {
        "failing": (
            "partner.unavailable",
            "the carrier cannot be reached, or does not take it now; it is asked again by itself",
            "carrier",
        ),
        "late": ("work.not_begun", "nobody has begun it: is the service's worker running?", "payments"),
        "s": ("shopify.rejected", "the answer of the shop's channel cannot be applied", "channel"),
    }


async def test_a_quarantined_message_names_its_sender_and_no_secret(tower: Tower) -> None:
    await _fill(tower)

    answer = await operations.set_aside(tower.service.resources.read, "tower", NOON)
    quarantined = told(answer).of("quarantine")

    assert quarantined[0].what == "receipt shopify"
    assert quarantined[0].about == {"connection": "nairobi-shopify", "shop": "nairobi.myshopify.com", "delivery": "d-1"}
    assert "c2VjcmV0" not in str(answer["rows"])


@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_the_page_says_who_is_away_in_the_readers_language(tower: Tower, lang: str) -> None:
    said = {
        "en": "Cannot be reached, or does not take it now: the payment provider.",
        "zh": "无法访问或暂不受理：支付机构。",
    }
    away = DeadLetter(
        "payments", "o", "work refund", "partner.unavailable", "x", NOON, 4, kind="retrying", who="payments"
    )
    about = {"connection": "nairobi-shopify"}
    unread = DeadLetter("orders", "receipt:1", "receipt shopify", "c", "r", NOON, kind="quarantine", about=about)
    tower.letters += [away, unread]

    words = read(await tower.page("/dead-letters", lang=lang))

    assert said[lang] in words
    assert "nairobi-shopify" in words


async def test_the_menu_and_the_page_count_the_same_under_the_same_name(tower: Tower) -> None:
    tower.letters += [
        DeadLetter("orders", f"receipt:{n}", "receipt x", "c", "r", NOON, kind="quarantine") for n in "12"
    ]

    words = read(await tower.page("/dead-letters"))

    assert "Set aside 2 Cases" in words
    assert "Set aside 2 What services could not take" in words
    assert "Dead letters 0" in words
    assert "Quarantine 2" in words


KEPT = {
    ":path.connection": "nairobi-shopify", "x-shopify-shop-domain": "nairobi.myshopify.com",
    "x-shopify-hmac-sha256": "c2VjcmV0", "x-shopify-webhook-id": "d-1",
}  # fmt: skip


async def _fill(tower: Tower) -> None:
    parked = (
        'INSERT INTO parked (lane, state, topic, partition, "offset", timestamp_ms, headers, value, code, reason,'
        " attempts, failed_at) VALUES ($1, $2, 'orders.order', 0, 0, 0, '', '', 'c', 'r', 1, $3)"
    )
    work = (
        "INSERT INTO work (kind, lane, name, task, due_at, attempts, phase, cause_id, traceparent, leased_until,"
        " last_error) VALUES ($6, $1, '', '', $2, $3, $4, '', '', $5, $7)"
    )
    minute = NOON.replace(minute=1)
    connection = await asyncpg.connect(tower.service.resources.database.dsn)
    try:
        for lane, state in (("a", "dead"), ("a", "blocked"), ("a", "blocked"), ("b", "early")):
            await connection.execute(parked, lane, state, NOON)
        long_ago = NOON.replace(hour=1)
        rows = (
            ("late", long_ago, 0, "send", None, "refund", ""), ("leased", long_ago, 0, "send", minute, "k", ""),
            ("soon", minute, 2, "send", None, "k", "transient"),
            ("failing", minute, 3, "send", None, "book-waybill", "transient"),
            ("s", minute, 1, "stuck", None, "confirm-shipment", "shopify.rejected"),
        )  # fmt: skip
        for row in rows:
            await connection.execute(work, *row)
        await connection.execute(
            "INSERT INTO receipts SELECT gen_random_uuid(), 'shopify', 'l', $1, $2, '', 'quarantined', 'x.y: z', 200,"
            " '', '' FROM generate_series(1, 120)",
            NOON,
            json.dumps(KEPT).encode(),
        )
    finally:
        await connection.close()
