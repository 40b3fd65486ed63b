"""Products and their versions: who may say what, and what reservations keep."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from services.catalog.commands import ProductOffered, ProductRevised
from services.catalog.seed import read_seed
from services.catalog.stock import PRODUCT
from shared.events import catalog as facts
from shared.flow.decision import Decision
from tests.architecture.source import ROOT
from tests.catalog.shelf import COFFEE, NOW, ORIGIN, PLACE, SELLER, Shelf, arrival, placed, product
from tests.support.service import Running

GOODS = {
    "name_zh": "烘焙咖啡豆", "hs_code": "0901210000", "origin": "KE", "spec_zh": "454克/包", "unit": "125",
    "unit_1": "035", "unit_1_quantity": "0.454", "net_grams": 454, "gross_grams": 500, "record_no": "2",
    "account_book": "T3500W000001", "duty_rate": "0.15", "vat_rate": "0.13",
}  # fmt: skip
OFFER = {"title": {"en": "coffee, 454 g", "zh": "咖啡豆 454克"}, "goods": GOODS}


def offered(sku: str, seller: str = "", based_on: int | None = None) -> ProductOffered:
    return ProductOffered(sku, seller, "咖啡豆 新", "coffee, new", replace(product(sku).goods, record_no="9"), based_on)


def test_a_product_has_a_new_version_and_says_so() -> None:
    shelf = Shelf.stocked()

    [revised] = shelf.hears(offered(COFFEE))

    assert isinstance(revised, facts.ProductRevised)
    assert (revised.key, revised.product_version, revised.seller, revised.record_no) == (COFFEE, 2, SELLER, "9")


def test_a_reservation_keeps_the_version_that_it_was_made_with() -> None:
    shelf = Shelf.stocked()
    [before] = shelf.hears(placed(1, (COFFEE, 1)))
    shelf.hears(offered(COFFEE))
    [after] = shelf.hears(placed(2, (COFFEE, 1)))

    told = [(made.product_version, made.goods[0].record_no) for made in (before, after)
            if isinstance(made, facts.ReservationMade)]  # fmt: skip
    assert told == [(1, "1"), (2, "9")]
    assert shelf.lines(1)[0].sku == shelf.lines(2)[0].sku


def test_a_seed_of_an_older_version_changes_nothing() -> None:
    shelf = Shelf.stocked()
    shelf.hears(offered(COFFEE), offered(COFFEE))

    assert shelf.hears(ProductRevised(replace(product(COFFEE), version=3, title_en="old"))) == []
    known = shelf.states.get(PRODUCT, COFFEE)
    assert known is not None
    assert (known.version, known.title_en) == (3, "coffee, new")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (offered(COFFEE, based_on=1), 200), (offered(COFFEE, based_on=0), 409), (offered(COFFEE, based_on=2), 409),
        (offered("NEW", SELLER, 0), 201), (offered("NEW", SELLER, 1), 409), (offered("NEW"), 404),
        (offered(COFFEE, "another-coop"), 409), (offered(COFFEE, "another-coop", 0), 409),
    ],
)  # fmt: skip
def test_a_change_is_for_the_owner_and_for_the_version_that_was_read(asked: ProductOffered, status: int) -> None:
    answer = Shelf.stocked().decides(asked)

    assert isinstance(answer, Decision)
    assert answer.reply is not None
    assert (answer.reply.status, bool(answer.puts)) == (status, status < 300)


async def test_an_operator_enters_a_product_and_its_seller_words_it(catalog: Running) -> None:
    worded = OFFER | {"title": {"en": "coffee, new", "zh": "咖啡"}, "goods": GOODS | {"name_zh": "豆", "spec_zh": "袋"}}
    first = await catalog.ask("PUT", "/v1/products/KE-COF-454", "operator", OFFER | {"seller": SELLER})
    again = await catalog.ask("PUT", "/v1/products/KE-COF-454", "seller", worded | {"based_on": 1})
    [shown] = (await catalog.ask("GET", "/v1/products", "seller")).json()["products"]

    assert [(answer.status_code, answer.json()) for answer in (first, again)] == [
        (201, {"sku": "KE-COF-454", "version": 1}),
        (200, {"sku": "KE-COF-454", "version": 2}),
    ]
    assert (shown["sku"], shown["version"], shown["seller"], shown["record_no"]) == ("KE-COF-454", 2, SELLER, "2")
    assert [fact.type for fact in await catalog.spoken()] == ["catalog.product.revised"] * 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hs_code", "0901220000"), ("origin", "ET"), ("unit", "011"), ("unit_1", "011"), ("unit_1_quantity", "0.4"),
        ("net_grams", 453), ("gross_grams", 501), ("record_no", "3"), ("account_book", "T3500W000002"),
        ("duty_rate", "0"), ("vat_rate", "0"), ("consumption_rate", "0.1"),
    ],
)  # fmt: skip
async def test_what_customs_and_tax_depend_on_is_the_operators(catalog: Running, name: str, value: Any) -> None:
    await catalog.ask("PUT", "/v1/products/KE-COF-454", "operator", OFFER | {"seller": SELLER})
    change = OFFER | {"goods": GOODS | {name: value}}

    sellers = await catalog.ask("PUT", "/v1/products/KE-COF-454", "seller", change)
    before = (await catalog.ask("GET", "/v1/products/KE-COF-454")).json()
    operators = await catalog.ask("PUT", "/v1/products/KE-COF-454", "operator", change)

    told = sellers.json()
    assert (sellers.status_code, told["code"], told["where"]) == (403, "catalog.operators_own", f"goods.{name}")
    assert (before["version"], before["goods"]) == (1, GOODS | {"consumption_rate": "0"})
    assert operators.status_code == 200


@pytest.mark.parametrize("token", ["seller", "stranger"])
async def test_a_seller_enters_no_product(catalog: Running, token: str) -> None:
    answer = await catalog.ask("PUT", "/v1/products/KE-COF-454", token, OFFER)

    assert (answer.status_code, answer.json()["where"]) == (403, "sku")
    assert await catalog.rows("SELECT count(*) FROM products") == [(0,)]


async def test_a_seller_that_the_corridor_does_not_have_gets_no_product(catalog: Running) -> None:
    answer = await catalog.ask("PUT", "/v1/products/X-1", "operator", OFFER | {"seller": "nobodys-coop"})

    assert (answer.status_code, answer.json()["where"]) == (400, "seller")
    assert SELLER in answer.json()["fix"]
    assert await catalog.rows("SELECT count(*) FROM products") == [(0,)]


async def test_a_repeat_under_one_key_is_one_version(catalog: Running) -> None:
    offer = OFFER | {"seller": SELLER}
    for _ in range(2):
        answer = await catalog.ask("PUT", "/v1/products/KE-COF-454", "operator", offer, Idempotency_Key="k")
        assert (answer.status_code, answer.json()["version"]) == (201, 1)

    assert len(await catalog.spoken()) == 1


async def test_a_product_is_changed_from_what_was_read(catalog: Running) -> None:
    """Only the word that changes is the seller's own; all others, and the version, are the answer's."""
    await catalog.ask("PUT", "/v1/products/KE-COF-454", "operator", OFFER | {"seller": SELLER})
    await catalog.hear(arrival("KE-COF-454", 5))
    read = (await catalog.ask("GET", "/v1/products/KE-COF-454", "seller")).json()
    change = {"title": read["title"], "goods": read["goods"] | {"spec_zh": "454克/罐"}, "based_on": read["version"]}

    changed = await catalog.ask("PUT", "/v1/products/KE-COF-454", "seller", change)
    late = await catalog.ask("PUT", "/v1/products/KE-COF-454", "seller", change | {"title": {"en": "x", "zh": "x"}})
    now = (await catalog.ask("GET", "/v1/products/KE-COF-454", "operator")).json()

    assert read["goods"] == GOODS | {"consumption_rate": "0"}
    assert read["stock"] == [{"location": PLACE, "on_hand": 5, "reserved": 0}]
    assert (changed.status_code, changed.json()) == (200, {"sku": "KE-COF-454", "version": 2})
    assert (late.status_code, late.json()["code"], late.json()["where"]) == (409, "catalog.other_version", "based_on")
    assert now == read | {"version": 2, "goods": change["goods"]}


async def test_every_product_of_the_seed_can_be_changed_from_what_was_read(catalog: Running) -> None:
    """What the seed says was never asked through the API; what it says is sent back all the same."""
    seed = (ROOT / "deploy/corridors/mombasa-fuzhou.catalog.toml").read_text("utf-8")
    entered = [entry for _, entry in read_seed(seed, NOW.date()) if isinstance(entry, ProductRevised)]
    await catalog.hear(*entered)

    for product_ in (entry.product for entry in entered):
        read = (await catalog.ask("GET", f"/v1/products/{product_.sku}")).json()
        body = {"title": read["title"], "goods": read["goods"], "based_on": read["version"]}
        answer = await catalog.ask("PUT", f"/v1/products/{product_.sku}", body=body)
        assert (answer.status_code, answer.json()["version"]) == (200, product_.version + 1)
    assert entered


@pytest.mark.parametrize(
    ("sku", "token", "status", "code"),
    [
        (COFFEE, "stranger", 404, "catalog.unknown_sku"), ("NOBODY", "operator", 404, "catalog.unknown_sku"),
        ("%01", "operator", 400, "input.malformed"), (COFFEE, "", 401, "auth.required"),
    ],
)  # fmt: skip
async def test_anothers_product_is_not_told_from_none(
    catalog: Running, sku: str, token: str, status: int, code: str
) -> None:
    await catalog.hear(ProductRevised(product(COFFEE)))

    answer = await catalog.ask("GET", f"/v1/products/{sku}", token)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("based_on", [None, 0, 1, 7])
async def test_a_sku_that_another_seller_has_is_not_told_from_none(catalog: Running, based_on: int | None) -> None:
    """Whatever version is guessed, the answer tells nothing of the other's product."""
    await catalog.hear(ProductRevised(product(COFFEE)))

    answer = await catalog.ask("PUT", f"/v1/products/{COFFEE}", "stranger", OFFER | {"based_on": based_on})
    nobodys = await catalog.ask("PUT", "/v1/products/NOBODYS", "stranger", OFFER | {"based_on": based_on})

    told = answer.json()
    assert (answer.status_code, told["code"], told["where"]) == (403, "catalog.operators_own", "sku")
    assert told == nobodys.json()
    assert [fact.type for fact in await catalog.spoken()] == ["catalog.product.revised"]


@pytest.mark.parametrize(("token", "status"), [("service", 403), ("", 401)])
async def test_products_are_entered_by_sellers_and_operators_only(catalog: Running, token: str, status: int) -> None:
    assert (await catalog.ask("PUT", f"/v1/products/{COFFEE}", token, OFFER)).status_code == status
    assert await catalog.spoken() == []


async def test_an_operator_names_the_seller_of_a_new_product_and_need_not_of_a_known_one(catalog: Running) -> None:
    nobodys = await catalog.ask("PUT", "/v1/products/X-1", "operator", OFFER)
    entered = await catalog.ask("PUT", "/v1/products/X-1", "operator", OFFER | {"seller": "coast-growers"})
    revised = await catalog.ask("PUT", "/v1/products/X-1", "operator", OFFER)

    assert (nobodys.status_code, nobodys.json()["where"]) == (400, "seller")
    assert [answer.status_code for answer in (entered, revised)] == [201, 200]


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("goods.hs_code", "0901"), ("goods.hs_code", "0901210000"[:9] + "x"), ("goods.origin", "Kenya"),
        ("goods.unit", "12"), ("goods.unit_1_quantity", "0"), ("goods.unit_1_quantity", "0.000"),
        ("goods.unit_1_quantity", 0.454), ("goods.net_grams", 0), ("goods.gross_grams", 453),
        ("goods.record_no", ""), ("goods.account_book", ""), ("goods.duty_rate", "15 %"), ("goods.vat_rate", "1.5"),
        ("goods.spec_zh", "x" * 511), ("goods.colour", "red"), ("title.zh", ""), ("title.en", None), ("based_on", -1),
    ],
)  # fmt: skip
async def test_what_customs_could_not_be_told_is_refused_by_field(catalog: Running, where: str, value: Any) -> None:
    body: dict[str, Any] = deepcopy(OFFER)
    parent, _, name = where.rpartition(".")
    (body[parent] if parent else body)[name] = value

    answer = await catalog.ask("PUT", "/v1/products/X-1", "seller", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "input.malformed")
    assert where.startswith(answer.json()["where"])
    assert await catalog.rows("SELECT count(*) FROM products") == [(0,)]


@pytest.mark.parametrize("token", ["seller", "operator"])
@pytest.mark.parametrize("sku", ["%01", "x" * 61, "a b", "-x", "咖啡"])
async def test_a_sku_that_no_document_could_carry_is_refused(catalog: Running, sku: str, token: str) -> None:
    answer = await catalog.ask("PUT", f"/v1/products/{sku}", token, OFFER)

    assert (answer.status_code, answer.json()["where"]) == (400, "sku")


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("PUT", ""), ("POST", "/stock")])
async def test_nothing_is_at_an_address_that_no_database_could_hold(catalog: Running, method: str, path: str) -> None:
    assert (await catalog.ask(method, f"/v1/products/%00{path}", body=OFFER)).status_code == 404


async def test_stock_is_shown_by_location_and_lot_with_the_account_book_beside_it(catalog: Running) -> None:
    await catalog.hear(ProductRevised(product(COFFEE)))
    await catalog.hear(arrival(COFFEE, 5), arrival(COFFEE, 3, "B"), arrival(COFFEE, 7, "M", place=ORIGIN))
    await catalog.hear(placed(1, (COFFEE, 2)))

    rows = (await catalog.ask("GET", "/v1/stock", "seller")).json()["stock"]
    here = (await catalog.ask("GET", f"/v1/stock?location={ORIGIN}&sku={COFFEE}", "operator")).json()["stock"]
    none = [
        (await catalog.ask("GET", path, token)).json()["stock"]
        for path, token in (("/v1/stock", "stranger"), ("/v1/stock?sku=NOBODY", "operator"))
    ]

    known = {"sku": COFFEE, "best_before": "2027-09-30"}
    assert rows == [
        known | {"location": PLACE, "lot": "A", "on_hand": 5, "reserved": 2, "available": 3, "account_book": 5},
        known | {"location": PLACE, "lot": "B", "on_hand": 3, "reserved": 0, "available": 3, "account_book": 3},
        known | {"location": ORIGIN, "lot": "M", "on_hand": 7, "reserved": 0, "available": 7, "account_book": None},
    ]
    assert here == rows[2:]
    assert none == [[], []]
