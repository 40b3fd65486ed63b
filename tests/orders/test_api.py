"""Orders' API: what a shop and an operator may ask, who may not, and how a refusal reads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from services.orders.api import STATES
from services.orders.said import HOLDS
from shared.ids import order_id, parcel_id
from shared.security.personal import Person, open_person, open_recipient
from tests.orders import facts
from tests.orders.providers import samples
from tests.orders.shopfront import ADDRESS, CONNECTION, IDENTITY, ORDER, Shopfront

AT = f"/v1/orders/{ORDER}"
UNKNOWN = order_id(CONNECTION, "nothing")
COMMANDS: list[tuple[str, str, Any]] = [
    ("PUT", "identity", IDENTITY),
    ("POST", "address", ADDRESS),
    ("POST", "cancel", {"reason": "changed my mind"}),
    ("POST", "payment", None),
    ("POST", "receipt", None),
]


async def commands_kept(shop: Shopfront) -> int:
    [(count,)] = await shop.running.rows("SELECT count(*) FROM receipts WHERE door LIKE 'api.%'")
    return int(count)


async def words(shop: Shopfront) -> list[str]:
    return [fact.type.removeprefix("orders.order.") for fact in await shop.running.spoken()]


# --- what can be asked ------------------------------------------------------------------------------------------------


async def test_the_shop_names_the_buyer_once_and_only_a_mask_is_shown(shop: Shopfront) -> None:
    await shop.push(samples.order())

    answer = await shop.running.ask("PUT", f"{AT}/identity", "seller", IDENTITY)

    assert (answer.status_code, answer.json()) == (202, {"order_id": ORDER, "intent": "placed", "holds": []})
    assert (await shop.order())["person"] == "林** 350***16"
    assert await words(shop) == ["placed", "hold-set", "amended", "hold-lifted"]
    amended = (await shop.running.spoken())[2]
    opened = open_person(shop.running.service.resources.facts, getattr(amended, "person"))  # noqa: B009
    assert opened == Person("林晓舟", "1", "350102199001010016", "+8613800000000")


async def test_the_qr_is_read_while_it_can_be_paid(shop: Shopfront) -> None:
    await shop.push(samples.order())
    await shop.running.ask("PUT", f"{AT}/identity", "seller", IDENTITY)
    known = {"order_id": ORDER}
    made, assessed, opened = (
        fact.model_copy(update=known) for fact in (facts.made(), facts.assessed(), facts.opened())
    )

    await shop.running.hear(made, assessed, opened)

    payment = (await shop.order(token="seller"))["payment"]
    assert (payment["qr"], payment["amount"]) == (
        "weixin://wxpay/bizpayurl?pr=1", {"minor": 25800, "currency": "CNY"},
    )  # fmt: skip


async def test_an_address_is_corrected_and_travels_sealed(shop: Shopfront) -> None:
    await shop.push(samples.order())

    answer = await shop.running.ask("POST", f"{AT}/address", "operator", ADDRESS)

    assert answer.status_code == 202
    amended = next(fact for fact in await shop.running.spoken() if fact.type == "orders.order.amended")
    opened = open_recipient(shop.running.service.resources.facts, getattr(amended, "recipient"))  # noqa: B009
    assert (opened.city, opened.street, opened.district) == ("厦门市", "测试路2号", "")
    assert (await shop.order())["recipient"] == "林** +86***00 福建省厦门市"


async def test_a_cancelled_order_says_who_wanted_it(shop: Shopfront) -> None:
    await shop.push(samples.order())

    answer = await shop.running.ask("POST", f"{AT}/cancel", "seller")

    assert (answer.status_code, answer.json()["intent"]) == (202, "closing")
    asked = next(f for f in await shop.running.spoken() if f.type == "orders.order.cancellation-requested")
    assert asked.model_dump(include={"by", "reason"}) == {"by": "buyer", "reason": "requested"}


async def test_an_operator_may_cancel_in_the_buyers_name_and_a_shop_not_in_an_operators(shop: Shopfront) -> None:
    await shop.push(samples.order())

    refused = await shop.running.ask("POST", f"{AT}/cancel", "seller", {"by": "operator"})
    taken = await shop.running.ask("POST", f"{AT}/cancel", "operator", {"by": "buyer"})

    assert (refused.status_code, refused.json()["where"], taken.status_code) == (400, "by", 202)
    asked = next(f for f in await shop.running.spoken() if f.type == "orders.order.cancellation-requested")
    assert asked.model_dump(include={"by"}) == {"by": "buyer"}


async def test_the_buyers_receipt_is_taken_when_the_parcel_is_out_and_refused_before(shop: Shopfront) -> None:
    await shop.push(samples.order())
    early = await shop.running.ask("POST", f"{AT}/receipt", "seller")
    assert (early.status_code, early.json()["code"]) == (409, "conflict")
    await shop.running.ask("PUT", f"{AT}/identity", "seller", IDENTITY)
    of = {"order_id": ORDER, "parcel_id": parcel_id(ORDER, 1)}
    way = (
        facts.made(), facts.assessed(), facts.opened(), facts.captured(), facts.escrow_held(), facts.declared(),
        facts.booked(), facts.waybill_accepted(), facts.submitted(), facts.released(), facts.packed(), facts.exited(),
    )  # fmt: skip
    await shop.running.hear(
        *(fact.model_copy(update={k: v for k, v in of.items() if k in type(fact).model_fields}) for fact in way)
    )

    taken = await shop.running.ask("POST", f"{AT}/receipt", "seller")

    assert taken.status_code == 202
    assert (await words(shop))[-1:] == ["receipt-confirmed"]  # whom the money is for does not release it by his word
    shown = await shop.order(token="seller")
    assert (shown["state"]["funds"], shown["received_at"] is not None) == ("held", True)


async def test_orders_are_found_by_the_channels_id_state_and_hold(shop: Shopfront) -> None:
    await shop.push(samples.order())
    await shop.push(samples.order(id=2), X_Shopify_Event_Id="2")
    await shop.running.ask("POST", f"{AT}/cancel")

    async def found(query: str, token: str = "operator") -> list[str]:
        answer = await shop.running.ask("GET", f"/v1/orders?{query}", token)
        return [order["external_id"] for order in answer.json()["orders"]]

    assert await found("external_id=5902603020001") == ["5902603020001"]
    assert await found("state=closing") == ["5902603020001"]
    assert await found("state=placed&hold=identity_missing") == ["2"]
    assert await found("external_id=nothing") == []
    assert await found("state=placed", "stranger") == []


# --- once -------------------------------------------------------------------------------------------------------------


async def test_a_repeat_under_one_key_is_answered_alike_and_done_once(shop: Shopfront) -> None:
    await shop.push(samples.order())

    answers = [
        await shop.running.ask("PUT", f"{AT}/identity", "seller", IDENTITY, Idempotency_Key="k1") for _ in range(3)
    ]

    assert [(a.status_code, a.json()["holds"]) for a in answers] == [(202, [])] * 3
    assert (await words(shop)).count("amended") == 1


async def test_a_refused_command_is_refused_again_when_it_is_repeated(shop: Shopfront) -> None:
    await shop.push(samples.order())

    answers = [await shop.running.ask("DELETE", f"{AT}/holds/customs", Idempotency_Key="k1") for _ in range(2)]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "conflict")] * 2
    assert await shop.running.receipts("api.HoldLiftAsked") == ["accepted"]


async def test_one_key_of_two_orders_is_two_commands(shop: Shopfront) -> None:
    await shop.push(samples.order())
    await shop.push(samples.order(id=2), X_Shopify_Event_Id="2")
    second = order_id(CONNECTION, "2")

    for order in (ORDER, second):
        answer = await shop.running.ask("POST", f"/v1/orders/{order}/cancel", "seller", Idempotency_Key="same")
        assert answer.json()["order_id"] == order

    assert (await words(shop)).count("cancellation-requested") == 2


# --- who may not ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path", "body"), [*COMMANDS, ("GET", "", None), ("GET", "channel", None)])
@pytest.mark.parametrize("token", ["", "nobody"])
async def test_without_a_token_of_ours_nothing_is_told_or_kept(
    busy_shop: Shopfront, method: str, path: str, body: Any, token: str
) -> None:
    before = await commands_kept(busy_shop)

    answer = await busy_shop.running.ask(method, f"{AT}/{path}".rstrip("/"), token, body)

    assert (answer.status_code, answer.json()["code"]) == (401, "auth.required")
    assert await commands_kept(busy_shop) == before


@pytest.mark.parametrize(("method", "path", "body"), [*COMMANDS, ("GET", "", None)])
@pytest.mark.parametrize(
    ("order", "token"), [(ORDER, "stranger"), (UNKNOWN, "seller"), ("%00", "operator"), ("1", "operator")]
)
async def test_another_sellers_order_and_none_at_all_are_told_apart_to_nobody(
    busy_shop: Shopfront, method: str, path: str, body: Any, order: str, token: str
) -> None:
    await busy_shop.push(samples.order())

    answer = await busy_shop.running.ask(method, f"/v1/orders/{order}/{path}".rstrip("/"), token, body)

    code = "address.not_found" if order == "%00" else "not_found"  # nothing can be at an address with NUL
    assert (answer.status_code, answer.json()["code"]) == (404, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert await commands_kept(busy_shop) == 0


async def test_an_operator_reads_the_cases_of_an_order_and_closes_one_by_its_number(shop: Shopfront) -> None:
    await shop.push(samples.order())
    await shop.running.hear(facts.STRAY.model_copy(update={"order_id": ORDER}))
    note = {"note": "the carrier mixed two parcels up"}

    answers = [
        await shop.running.ask("POST", f"{AT}/conflicts/{number}/close", "operator", note, Idempotency_Key="k1")
        for number in (1, 2, 1)
    ]

    assert [answer.status_code for answer in answers] == [202, 409, 202]
    (case,) = (await shop.order())["cases"]
    assert (case["number"], case["track"], case["fact"]) == (1, "carriage", "logistics.parcel.packed")
    assert (case["note"], case["closed_at"] is not None) == (note["note"], True)
    assert (await words(shop)).count("conflict-closed") == 1


FOR_OPERATORS = [
    ("DELETE", f"{AT}/holds/identity_missing"), ("GET", f"{AT}/channel"), ("POST", f"{AT}/conflicts/1/close"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), FOR_OPERATORS)
async def test_what_is_for_operators_is_not_for_sellers(busy_shop: Shopfront, method: str, path: str) -> None:
    await busy_shop.push(samples.order())

    answer = await busy_shop.running.ask(method, path, "seller")

    assert (answer.status_code, answer.json()["code"]) == (403, "auth.forbidden")


async def test_a_service_reads_and_asks_nothing(busy_shop: Shopfront) -> None:
    await busy_shop.push(samples.order())

    assert (await busy_shop.running.ask("GET", AT, "service")).status_code == 200
    assert (await busy_shop.running.ask("POST", f"{AT}/cancel", "service")).status_code == 403


# --- what cannot be read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[1]", "body"),
        (b"\xff", "body"),
        (b"[" * 100_000, "body"),
        (b'{"name": "a", "name": "b"}', "body"),
        (b'{"name": "\\u0000"}', "body"),
        ({**IDENTITY, "id_number": "1"}, "id_number"),
        ({**IDENTITY, "id_number": "350102199001010014"}, "id_number"),  # its check digit is 6
        ({**IDENTITY, "id_number": 350102199001010016}, "id_number"),
        ({**IDENTITY, "id_type": "2", "id_number": "G12345678"}, "id_type"),
        ({**IDENTITY, "phone": "call me"}, "phone"),
        ({**IDENTITY, "name": ""}, "name"),
        ({**IDENTITY, "name": "x" * 121}, "name"),
        ({**IDENTITY, "age": 30}, "age"),
        ({"name": "林晓舟"}, "id_number"),
    ],
)
async def test_a_bad_body_is_a_problem_that_names_the_place_and_not_the_value(
    busy_shop: Shopfront, body: Any, where: str
) -> None:
    await busy_shop.push(samples.order())

    answer = await busy_shop.running.ask("PUT", f"{AT}/identity", "seller", body)

    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"], answer.json()["where"]) == (400, "input.malformed", where)
    assert "林晓舟" not in answer.text
    assert await commands_kept(busy_shop) == 0


async def test_an_oversize_body_is_a_problem_too(busy_shop: Shopfront) -> None:
    await busy_shop.push(samples.order())

    answer = await busy_shop.running.ask("PUT", f"{AT}/identity", "seller", b"x" * (256 * 1024 + 1))

    assert (answer.status_code, answer.json()["code"]) == (413, "input.too_large")


@pytest.mark.parametrize("query", ["external_id=%00", "state=" + "x" * 201, "hold=%00"])
async def test_a_filter_that_no_database_takes_is_a_problem(busy_shop: Shopfront, query: str) -> None:
    answer = await busy_shop.running.ask("GET", f"/v1/orders?{query}")

    assert (answer.status_code, answer.json()["code"]) == (400, "input.malformed")


@pytest.mark.parametrize(
    ("method", "path", "where", "words"),
    [
        ("GET", "/v1/orders?state=foo", "state", STATES),
        ("GET", "/v1/orders?hold=foo", "hold", HOLDS),
        ("DELETE", f"{AT}/holds/foo", "hold", HOLDS),
    ],
)
async def test_an_unknown_word_is_refused_with_those_that_are_known(
    busy_shop: Shopfront, method: str, path: str, where: str, words: Iterable[str]
) -> None:
    await busy_shop.push(samples.order())

    answer = await busy_shop.running.ask(method, path)

    assert (answer.status_code, answer.json()["where"]) == (400, where)
    assert answer.json()["fix"] == f"send one of: {', '.join(words)}"


async def test_the_words_are_in_the_description_too(busy_shop: Shopfront) -> None:
    described = (await busy_shop.running.ask("GET", "/openapi.json", "")).json()["paths"]

    asked = described["/v1/orders"]["get"]["parameters"]
    lifting = described["/v1/orders/{order_id}/holds/{hold}"]["delete"]["parameters"]
    words = {one["name"]: one["schema"].get("enum") for one in (*lifting, *asked)}
    assert (words["state"], words["hold"]) == (list(STATES), list(HOLDS))
    assert {one["name"]: one["schema"].get("enum") for one in lifting}["hold"] == list(HOLDS)


async def test_an_idempotency_key_without_end_is_a_problem(busy_shop: Shopfront) -> None:
    await busy_shop.push(samples.order())

    answer = await busy_shop.running.ask("POST", f"{AT}/cancel", "seller", Idempotency_Key="k" * 201)

    assert (answer.status_code, answer.json()["where"]) == (400, "Idempotency-Key")


async def test_every_body_that_is_read_is_described(busy_shop: Shopfront) -> None:
    described = (await busy_shop.running.ask("GET", "/openapi.json", "")).json()["paths"]

    schemas = {
        path.rpartition("/")[2]: operation["requestBody"]["content"]["application/json"]["schema"]["title"]
        for path, operations in described.items()
        for operation in operations.values()
        if "requestBody" in operation and path.startswith("/v1/")
    }
    assert schemas == {"identity": "Identity", "address": "Address", "cancel": "Cancellation", "close": "Closing"}
