"""Catalog's own API: who may see and book, what is refused and how."""

from __future__ import annotations

from typing import Any

import pytest

from services.catalog.commands import ProductRevised
from tests.catalog.shelf import COFFEE, product
from tests.support.service import Running

ARRIVAL = {"location": "fz-bonded", "lot": "A", "best_before": "2027-09-30", "quantity": 10}


@pytest.fixture(autouse=True)
async def known(catalog: Running) -> None:
    await catalog.hear(ProductRevised(product(COFFEE)))


async def test_an_arrival_is_booked_once_per_delivery_note(catalog: Running) -> None:
    first = await catalog.ask("POST", f"/v1/products/{COFFEE}/stock", body=ARRIVAL, Idempotency_Key="note-1")
    again = await catalog.ask("POST", f"/v1/products/{COFFEE}/stock", body=ARRIVAL, Idempotency_Key="note-1")
    other = await catalog.ask("POST", f"/v1/products/{COFFEE}/stock", body=ARRIVAL, Idempotency_Key="note-2")

    assert [answer.status_code for answer in (first, again, other)] == [202] * 3
    assert await catalog.rows("SELECT on_hand FROM stock") == [(20,)]


async def test_keys_are_never_cut_to_be_one(catalog: Running) -> None:
    path, long = f"/v1/products/{COFFEE}/stock", "x" * 200
    booked = [
        await catalog.ask("POST", path, body=ARRIVAL, Idempotency_Key=key)
        for key in (long, long, long + "1", long + "2")
    ]

    assert [answer.status_code for answer in booked] == [202, 202, 400, 400]
    assert booked[2].json()["where"] == "Idempotency-Key"
    assert await catalog.rows("SELECT on_hand FROM stock") == [(10,)]


async def test_a_seller_sees_its_own_products_and_no_others(catalog: Running) -> None:
    await catalog.ask("POST", f"/v1/products/{COFFEE}/stock", body=ARRIVAL)

    own = (await catalog.ask("GET", "/v1/products", "seller")).json()["products"]
    others = (await catalog.ask("GET", "/v1/products", "stranger")).json()["products"]

    assert [(one["sku"], one["stock"]) for one in own] == [
        (COFFEE, [{"location": "fz-bonded", "on_hand": 10, "reserved": 0}])
    ]
    assert others == []


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [("", 401, "auth.required"), ("nobody", 401, "auth.required"), ("seller", 403, "auth.forbidden")],
)
async def test_stock_is_booked_by_operators_only(catalog: Running, token: str, status: int, code: str) -> None:
    answer = await catalog.ask("POST", f"/v1/products/{COFFEE}/stock", token, ARRIVAL)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await catalog.rows("SELECT count(*) FROM stock") == [(0,)]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b"", "body"),
        (b"{", "body"),
        (b"[]", "body"),
        (b'{"lot": "A", "lot": "B"}', "body"),
        (b"\xff\xfe", "body"),
        (b"[" * 100_000, "body"),
        ({**ARRIVAL, "quantity": 0}, "quantity"),
        ({**ARRIVAL, "quantity": "ten"}, "quantity"),
        ({**ARRIVAL, "best_before": "soon"}, "best_before"),
        ({**ARRIVAL, "colour": "red"}, "colour"),
        ({**ARRIVAL, "location": "nowhere"}, "location"),
    ],
)
async def test_a_bad_body_is_a_problem_that_names_the_place(catalog: Running, body: Any, where: str) -> None:
    answer = await catalog.ask("POST", f"/v1/products/{COFFEE}/stock", body=body)

    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["code"], answer.json()["where"]) == (400, "input.malformed", where)
    assert await catalog.receipts("api.stock") == []


async def test_who_names_a_wrong_location_is_told_the_right_ones(catalog: Running) -> None:
    answer = await catalog.ask("POST", f"/v1/products/{COFFEE}/stock", body=ARRIVAL | {"location": "fz-bondet"})

    places = sorted(warehouse.id for warehouse in catalog.service.resources.corridor.warehouse)
    assert (answer.status_code, answer.json()["where"]) == (400, "location")
    assert answer.json()["fix"] == f"send one of: {', '.join(places)}"
    assert "fz-bonded" in places


@pytest.mark.parametrize("sku", ["NOBODY", "%01", "x" * 61])
async def test_stock_of_an_unknown_product_is_not_found(catalog: Running, sku: str) -> None:
    answer = await catalog.ask("POST", f"/v1/products/{sku}/stock", body=ARRIVAL)

    assert (answer.status_code, answer.json()["code"]) == (404, "catalog.unknown_sku")


async def test_a_refused_arrival_is_refused_again_when_it_is_repeated(catalog: Running) -> None:
    await catalog.ask("POST", f"/v1/products/{COFFEE}/stock", body=ARRIVAL)
    late = {**ARRIVAL, "best_before": "2028-01-01"}

    answers = [
        await catalog.ask("POST", f"/v1/products/{COFFEE}/stock", body=late, Idempotency_Key="note-2") for _ in range(2)
    ]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(409, "catalog.other_lot")] * 2
