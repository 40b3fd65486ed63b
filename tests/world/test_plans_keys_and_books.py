"""The seeded plan, the key folder, the configuration, the books, and the control door."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from deploy.world import plan, rsa, traffic
from deploy.world.app import World
from deploy.world.books import Books, OrderBook, Push
from deploy.world.config import BadConfig, Config
from deploy.world.keys import PAIRS, PUBLICS, SERIALS, TEXTS, make_keys
from deploy.world.plan import KINDS, TRAITS, plan_of

MINIMUM = {"base": "http://127.0.0.1:1/", "secrets": "s", "tokens": {"seller": "a", "operator": "b"}}


def draws(seed: int, share: float, shop: str = "nairobi-roasters") -> list[plan.Plan]:
    rng = random.Random(seed)
    return [plan.draw(rng, share, {}, {}, shop) for _ in range(2000)]


def test_a_seed_draws_the_same_plans_again() -> None:
    assert draws(5, 0.4) == draws(5, 0.4)
    assert draws(5, 0.4) != draws(6, 0.4)


def test_the_share_is_the_share_of_misbehaving_orders() -> None:
    assert sum(bool(one.kinds) for one in draws(1, 0.4)) == pytest.approx(800, abs=70)
    assert not any(one.kinds for one in draws(1, 0.0))


def test_every_kind_is_drawn_sometimes_at_the_shops_that_can_do_it() -> None:
    drawn = {shop: set().union(*(one.kinds for one in draws(1, 1.0, shop))) for shop in TRAITS}

    assert drawn == {shop: {name for name, kind in KINDS.items() if kind.fits(shop)} for shop in TRAITS}
    assert set().union(*drawn.values()) == set(KINDS)


@pytest.mark.parametrize(
    ("kinds", "shops"),
    [
        ((), {"nairobi-roasters", "lamu-tea-house", "savanna-red"}),
        (("pay_twice",), {"nairobi-roasters", "lamu-tea-house"}),
        (("confirms_receipt", "duplicate_pushes"), {"lamu-tea-house"}),
        (("channel_refunded",), {"savanna-red"}),
        (("channel_refunded", "pay_twice"), set()),
    ],
)
def test_a_given_plan_goes_to_a_shop_that_can_do_it(kinds: tuple[str, ...], shops: set[str]) -> None:
    assert set(traffic.fitting(kinds, traffic.SHOPS)) == shops


def test_what_no_shop_can_do_is_told() -> None:
    assert (
        traffic.unfit([("channel_refunded",), ("pay_twice", "channel_short")], traffic.SHOPS)
        == "pay_twice+channel_short"
    )
    assert traffic.unfit([("channel_refunded",)], {"nairobi-roasters": 1.0}) == "channel_refunded"
    assert traffic.unfit([], {"nowhere": 1.0}) == "nowhere"


def test_an_ending_decides_what_is_expected_and_a_setting_overrules_it() -> None:
    assert plan_of("duplicate_pushes").expected == "completed"
    assert (plan_of("never_pays", "inspection").expected, plan_of("never_pays").reason) == (
        "cancelled",
        "payment_overdue",
    )
    assert plan_of("wrong_amount", expected={"wrong_amount": "cancelled"}).expected == "cancelled"


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        plan_of("nonsense")


def test_keys_are_made_once_for_us_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    make_keys(folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    make_keys(folder)
    parts = [f"{pair}.{part}.pem" for pair in PAIRS for part in ("key", "cert")]
    names = {*TEXTS, *parts, *(f"{pair}.serial.txt" for pair in SERIALS), ".lock"}
    names |= {f"{pair}.public.pem" for pair in PUBLICS}

    assert {path: path.read_bytes() for path in before} == before
    assert {str(path.relative_to(folder)) for path in before} == names
    assert {path.stat().st_mode & 0o777 for path in before if path.name != ".lock"} == {0o600}


def test_two_programs_may_make_the_keys_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.world", "keys", str(tmp_path / "s")]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]

    assert [one.wait(60) for one in running] == [0, 0]
    for pair in PAIRS:
        key = rsa.load_private(tmp_path / "s" / f"{pair}.key.pem")
        assert key.public_key() == rsa.public_of(rsa.load_certificate(tmp_path / "s" / f"{pair}.cert.pem"))


def test_a_serial_has_forty_digits(secrets: Path) -> None:
    assert [len((secrets / f"{pair}.serial.txt").read_text()) for pair in SERIALS] == [40, 40]


def test_doors_follow_the_base_unless_they_are_given() -> None:
    config = Config.of({**MINIMUM, "doors": {"customs": "http://127.0.0.1:2/x"}})

    assert config.doors.shopify == "http://127.0.0.1:1/hooks/shopify"
    assert config.doors.customs == "http://127.0.0.1:2/x"


@pytest.mark.parametrize("more", [{"tyme_scale": 1}, {"shop": {"colour": "red"}}, {"tokens": {}}])
def test_a_configuration_with_a_wrong_key_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(BadConfig):
        Config.of({**MINIMUM, **more})


def book(external_id: str, *kinds: str) -> OrderBook:
    return OrderBook(external_id, plan_of(*kinds), 100, "CNY", [], sent_at="x")


def test_what_arrives_under_an_unknown_number_joins_its_order_later() -> None:
    books = Books()
    books.file("waybills", ("T1", "P1", "W1"), {"n": 1})
    books.push(("W1",), Push("scan", "1"))
    found = books.open(book("7"))
    books.alias(found, "T1")
    books.file("exits", ("P1",), {"n": 2})

    assert [one["n"] for one in found.shelves["waybills"] + found.shelves["exits"]] == [1, 2]
    assert [push.kind for push in found.pushes] == ["scan"]
    assert books.unlinked() == {}


def test_a_cancelled_order_is_done_when_the_money_is_back() -> None:
    found = book("7", "cancel_paid")
    found.mark("script_ended")
    found.shelves["captures"].append({"amount": 100})
    assert not found.done

    found.shelves["refunds"].append({"amount": 100, "status": "PROCESSING"})
    assert not found.done

    found.shelves["refunds"][0]["status"] = "SUCCESS"
    assert found.done


def test_a_forgery_that_was_taken_leaves_the_order_open() -> None:
    found = book("7", "forged")
    found.mark("script_ended")
    found.pushes.append(Push("p", "1", attempts=[{"status": 200}], acked_at="x", wanted="refusal"))

    assert not found.done


async def test_control_starts_counts_and_shows(doors: httpx.AsyncClient, world: World) -> None:
    started = await doors.post("/control/run", json={"orders": 3, "plans": [["forged"]], "seed": 4})
    await world.core.sender.settle()
    status = (await doors.get("/control/status")).json()
    books = (await doors.get("/control/books")).json()["orders"]
    one = (await doors.get("/control/books", params={"external_id": next(iter(books))})).json()

    assert started.status_code == 202
    assert (status["planned"], status["sent"], status["done"], status["running"]) == (3, 3, 3, False)
    assert one == books[one["external_id"]]
    assert (one["expected"], [push["wanted"] for push in one["pushes"]]) == ("refused", ["refusal"])


async def test_control_refuses_an_unknown_kind(doors: httpx.AsyncClient) -> None:
    assert (await doors.post("/control/run", json={"orders": 1, "plans": [["nonsense"]]})).status_code == 422
    assert (await doors.get("/control/books", params={"external_id": "1"})).status_code == 404


async def test_control_is_for_this_machine_only(world: World, doors: httpx.AsyncClient) -> None:
    transport = doors._transport
    assert isinstance(transport, httpx.ASGITransport)
    elsewhere = httpx.ASGITransport(transport.app, client=("10.0.0.9", 1))
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://world") as stranger:
        assert (await stranger.get("/control/books")).status_code == 403
        assert (await stranger.get("/healthz")).status_code == 200


async def test_orders_go_to_the_shops_that_were_wished_for(world: World, doors: httpx.AsyncClient) -> None:
    wish = {"orders": 6, "shops": {"savanna-red": 1, "lamu-tea-house": 1}, "plans": [["forged"]]}
    answer = await doors.post("/control/run", json=wish)
    await world.core.sender.settle()

    found = {(book.shop, book.external_id.rstrip("0123456789")) for book in world.core.books.orders.values()}
    assert (answer.status_code, found) == (202, {("savanna-red", "P"), ("lamu-tea-house", "LTH-")})


@pytest.mark.parametrize("wish", [{"shops": {"nowhere": 1}}, {"plans": [["channel_refunded", "pay_twice"]]}])
async def test_a_run_that_nobody_can_do_is_refused(doors: httpx.AsyncClient, wish: dict[str, object]) -> None:
    answer = await doors.post("/control/run", json={"orders": 1} | wish)

    assert answer.status_code == 422
