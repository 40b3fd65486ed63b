"""Every page as people see it: orders of every way, both languages, narrow and wide. `CORRIDOR_PICTURES=folder` keeps
the pictures."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Browser

from services.tower.attention import DeadLetter
from shared.events import orders
from tests.browser.conftest import Site, shown
from tests.support.journeys import MASTER_BILL, Mailed, Marketplace, Undone
from tests.support.neighbour import Neighbour, declaration, money
from tests.support.tales import NOON, Tale
from tests.support.tower import opened

LETTERS: Final = (
    DeadLetter("customs", "a-lane", "orders.order.amended", "customs.no_sale", "no sale to amend", NOON, 3, 2),
    DeadLetter("logistics", "receipt:1", "receipt cainiao", "cainiao.unknown", "HELD_AT_HUB", NOON, 1, 0, "quarantine"),
    DeadLetter("logistics", "receipt:2", "receipt cainiao", "cainiao.unknown", "HELD_AT_HUB", NOON, 1, 0, "quarantine"),
    DeadLetter(
        "orders",
        "receipt:3",
        "receipt shopify",
        "input.unrecognised",
        "unknown financial_status: 'frozen'",
        NOON,
        kind="quarantine",
        about={"connection": "nairobi-roasters-shopify", "topic": "orders/updated"},
    ),
    DeadLetter(
        "payments",
        "an-order",
        "work open-attempt",
        "alipay.unreachable",
        "away",
        NOON,
        6,
        kind="retrying",
        who="payments",
    ),
)


class Told:
    """One order of every kind, by name."""

    def __init__(self) -> None:
        self.mailed = Mailed("TH-20931").to_border()
        self.market = Marketplace("P737265110274").to_customs()
        self.undone = Undone("1044")
        self.undone.asked()
        self.mismatched = Tale("1045").mismatched()
        self.whole = Tale("1046", at=NOON - timedelta(days=17)).whole()
        self.away = Tale("1047")
        self.away.placed()
        self.away.admitted()
        self.held = Tale("1048")
        self.held.placed()
        self.held.say(orders.HoldSet(**self.held.of(), hold="identity_missing", reason=""))
        detail = "logistics.parcel.delivered while lost"
        self.conflict = Tale("1049").to_customs()
        fact = orders.ConflictFound(
            **self.conflict.of(), track="carriage", state="lost", fact="logistics.parcel.delivered", detail=detail,
            number=1,
        )  # fmt: skip
        self.conflict.say(fact)

    @property
    def all(self) -> tuple[Tale, ...]:
        return (
            self.whole, self.mailed, self.market, self.undone, self.mismatched, self.away, self.held, self.conflict,
        )  # fmt: skip


@pytest.fixture
async def full(dsn: str, tmp_path: Path, browser: Browser, beside: Neighbour) -> AsyncIterator[tuple[Site, Told]]:
    """A tower that knows an order of every kind, beside services that answer."""
    urls = {f"{name}_url": beside.url for name in ("payments", "customs", "logistics")}
    tales = Told()
    for tale in (tales.mailed, tales.undone, tales.whole):
        beside.answers[f"/v1/payments/{tale.order}"] = money(tale)
    differs = declaration(tales.mismatched, paid="124.00")
    differs["documents"]["rows"].pop()  # of a field that has no name here yet
    beside.answers[f"/v1/declarations/{tales.mismatched.order}"] = differs
    beside.answers |= {
        "/v1/payments/cases": {
            "cases": [
                {
                    "order_id": tales.mailed.order,
                    "cases": [{"number": 1, "what": "wrong_amount", "detail": "paid 124.00", "at": NOON}],
                }
            ]
        },
        "/v1/customs/cases": {"cases": []},
        "/v1/shipments/cases": {"cases": []},
    }
    async with opened(dsn, tmp_path, **urls) as tower, shown(tower, browser) as site:
        tower.letters.extend(LETTERS)
        await tower.hears(*tales.all)
        yield site, tales


def pages(tales: Told) -> dict[str, str]:
    return {
        "overview": "/",
        "orders": "/orders",
        "mailed": f"/orders/{tales.mailed.order}",
        "marketplace": f"/orders/{tales.market.order}",
        "undone": f"/orders/{tales.undone.order}",
        "mismatched": f"/orders/{tales.mismatched.order}",
        "completed": f"/orders/{tales.whole.order}",
        "held": f"/orders/{tales.held.order}",
        "master-bill": f"/orders?number={MASTER_BILL}",
        "dead-letters": "/dead-letters",
        "cases": "/cases",
        "nothing": "/find?q=zzzz",
    }


@pytest.mark.parametrize(("locale", "width"), [("en-GB", 1440), ("zh-CN", 1440), ("en-GB", 390), ("zh-CN", 390)])
async def test_every_page_is_opened_and_fits_its_window(full: tuple[Site, Told], locale: str, width: int) -> None:
    site, tales = full
    kept = os.environ.get("CORRIDOR_PICTURES")
    scheme = "dark" if (locale, width) == ("zh-CN", 1440) else "light"

    async with site.visitor(width=width, locale=locale, scheme=scheme) as page:
        for name, path in pages(tales).items():
            await page.goto(path)

            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert len(await page.inner_text("main")) > 40
            if kept:
                await page.screenshot(path=f"{kept}/{name}-{locale[:2]}-{width}.png", full_page=True)
    assert site.complaints == []


async def test_a_master_bill_leads_to_its_orders_and_a_parcel_to_its_own(full: tuple[Site, Told]) -> None:
    site, tales = full

    async with site.visitor() as page:
        await page.fill("#q", tales.mailed.parcel)
        await page.press("#q", "Enter")
        await page.wait_for_url(f"**/orders/{tales.mailed.order}")
        await page.click(f"#parcels >> text={MASTER_BILL}")
        await page.wait_for_url("**/orders?number=*")

        assert await page.locator("#list [data-row]").count() == 1
        assert tales.mailed.number in await page.inner_text("#list")
    assert site.complaints == []


async def test_an_order_shows_documents_money_holds_and_cases_together(full: tuple[Site, Told]) -> None:
    site, tales = full

    async with site.visitor() as page:
        await page.goto(f"/orders/{tales.mailed.order}")
        assert "Consolidated under a master bill" in await page.inner_text("#story")
        assert "Consignment departed" in await page.inner_text("#story")
        assert "706-51423344" in await page.inner_text("#documents")
        assert "held for the order" in await page.inner_text("#money")
        assert "Nothing holds this order." in await page.inner_text("#holds")
        await page.click(".jump >> text=Holds")
        assert page.url.endswith("#holds")

        await page.goto(f"/orders/{tales.held.order}")
        assert "PUT /v1/orders/{id}/identity" in await page.inner_text("#holds")

        await page.goto(f"/orders/{tales.away.order}")
        assert "the buyer has no QR yet" in await page.inner_text("#answer")

        await page.goto(f"/orders/{tales.conflict.order}")
        assert "“Delivered” came while the track says “lost” (logistics.parcel.delivered)" in await page.inner_text(
            "#holds"
        )
    assert site.complaints == []


async def test_what_is_set_aside_and_what_is_a_case_have_their_pages(full: tuple[Site, Told]) -> None:
    site, tales = full

    async with site.visitor(locale="zh-CN") as page:
        await page.keyboard.press("g")
        await page.keyboard.press("d")
        await page.wait_for_url("**/dead-letters")
        assert "HELD_AT_HUB" in await page.inner_text("#k-quarantine")
        assert "alipay.unreachable" in await page.inner_text("#k-retrying")
        assert await page.inner_text('.rail a[href="/dead-letters"] em') == "4"
        await page.keyboard.press("g")
        await page.keyboard.press("c")
        await page.wait_for_url("**/cases")
        assert "paid 124.00" in await page.inner_text("#open")
        assert f"POST /v1/payments/{tales.mailed.order}/cases/1/close" in await page.inner_text("#open")
        assert f"POST /v1/orders/{tales.conflict.order}/conflicts/1/close" in await page.inner_text("#conflicts")
        assert tales.conflict.number in await page.inner_text("#conflicts")
    assert site.complaints == []
