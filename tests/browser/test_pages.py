"""The pages in a real Chromium: what people do there, and what only a browser can tell."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from services.tower.attention import DeadLetter
from tests.browser.conftest import Site
from tests.support.tales import NOON, Tale


async def test_a_waybill_number_leads_to_its_order_and_the_order_to_its_cause(site: Site) -> None:
    tale = Tale().rejected()
    await site.tower.hears(tale)

    async with site.visitor() as page:
        await page.keyboard.press("/")
        await page.keyboard.type(tale.waybill[-6:])
        await page.wait_for_selector("#hits [role=option]")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/orders/{tale.order}")
        await page.click("text=caused by #14")

        assert page.url.endswith("#e14")
        assert await page.locator("#e14 .body").evaluate("e => getComputedStyle(e).boxShadow") != "none"
        assert "Declaration refused by customs" in await page.inner_text("#e14")
    assert site.complaints == []


async def test_an_open_page_shows_new_facts_by_itself_and_keeps_the_focus(site: Site) -> None:
    tale = Tale()
    tale.placed()
    await site.tower.hears(tale)
    told = len(tale.envelopes)

    async with site.visitor() as page:
        await page.goto(f"/orders/{tale.order}")
        await page.wait_for_selector("#lamp:not(.off)")
        await page.focus('#story a[href="#e1"]')
        await asyncio.sleep(1.2)
        tale.admitted()
        await site.tower.hears(tale)
        await page.wait_for_selector(f"#e{told + 1}")

        assert "unpaid" in await page.inner_text("#head")
        assert await page.evaluate("document.activeElement.getAttribute('href')") == "#e1"
    assert site.complaints == []


async def test_a_list_under_the_pointer_does_not_move_until_it_is_told_to(site: Site) -> None:
    first, second = Tale("1001"), Tale("1002")
    first.placed()
    second.placed()
    await site.tower.hears(first)

    async with site.visitor() as page:
        await page.goto("/orders")
        await page.wait_for_selector("#lamp:not(.off)")
        await page.hover("#list tbody tr")
        await asyncio.sleep(1.2)
        await site.tower.hears(second)
        await page.wait_for_selector("#list .fresh")
        before = await page.locator("#list tbody tr").count()
        await asyncio.sleep(2.1)
        await page.click("#list .fresh")
        await page.wait_for_selector("#list tbody tr:nth-child(2)")

        assert before == 1
    assert site.complaints == []


async def test_the_launchers_link_signs_in_and_leaves_no_token_in_the_address(site: Site) -> None:
    async with site.visitor(role="") as page:
        await page.goto(f"/login?next=/orders#token={site.tower.tokens['operator']}")
        await page.wait_for_url("**/orders")
        history = await page.evaluate("history.length")
        await page.click('form[action="/logout"] button')
        await page.wait_for_url("**/login")
        await page.goto("/orders")

        assert "/login?next=" in page.url
        assert "token=" not in page.url
        assert history <= 3
    assert site.complaints == []


async def test_a_wrong_token_is_said_in_words(site: Site) -> None:
    async with site.visitor(role="", locale="zh-CN") as page:
        await page.goto("/login")
        await page.fill("#token", "guess")
        await page.click("button.main")

        assert "令牌无效" in await page.inner_text("[role=alert]")
    assert site.complaints == []


async def test_keys_move_through_rows_and_never_change_data(site: Site) -> None:
    tales = [Tale(str(n), at=NOON + timedelta(minutes=n)) for n in range(3)]
    for tale in tales:
        tale.placed()
    await site.tower.hears(*tales)

    async with site.visitor() as page:
        await page.keyboard.press("g")
        await page.keyboard.press("l")
        await page.wait_for_url("**/orders")
        await page.keyboard.press("j")
        await page.keyboard.press("j")
        second = await page.get_attribute("[data-row].cur", "data-id")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**/orders/{second}")
        await page.keyboard.press("?")
        await page.wait_for_selector("#help[open]")
        await page.uncheck("#single")
        await page.keyboard.press("Escape")
        await page.wait_for_selector("#help:not([open])", state="attached")
        await page.keyboard.press("t")

        assert second == tales[1].order
        assert await page.get_attribute("html", "data-theme") == "auto"
    assert site.complaints == []


async def test_theme_and_language_stay_chosen(site: Site) -> None:
    async with site.visitor() as page:
        await page.keyboard.press("t")
        await page.click("text=中文")
        await page.wait_for_selector("html[lang=zh-Hans]")
        await page.goto("/orders")

        assert await page.get_attribute("html", "data-theme") == "dark"
        assert await page.inner_text("h1") == "订单"
    assert site.complaints == []


@pytest.mark.parametrize("width", [320, 390, 768, 1440])
async def test_no_page_is_wider_than_its_window(site: Site, width: int) -> None:
    tale, bad = Tale("1001").whole(), Tale("1002").mismatched()
    letter = DeadLetter("logistics", tale.order, "a.b.advanced", "cainiao.unknown", "HELD_AT_HUB", NOON)
    site.tower.letters.append(letter)
    await site.tower.hears(tale, bad)

    async with site.visitor(width=width, locale="zh-CN") as page:
        for path in ("/", "/orders", f"/orders/{tale.order}", f"/orders/{bad.order}", "/dead-letters", "/find?q=zz"):
            await page.goto(path)

            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
    assert site.complaints == []


async def test_pages_work_without_their_script(site: Site) -> None:
    tale = Tale().rejected()
    await site.tower.hears(tale)

    async with site.visitor(javascript="off") as page:
        await page.fill("#q", tale.number)
        await page.press("#q", "Enter")
        await page.wait_for_url(f"**/orders/{tale.order}")
        await page.click(".chips >> text=customs")

        assert await page.locator("[data-row]").count() == 3
    assert site.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out_from_its_ground(site: Site, scheme: str) -> None:
    tale = Tale().mismatched()
    await site.tower.hears(tale)
    faint = Path(__file__).with_name("faint.js").read_text()

    async with site.visitor(scheme=scheme) as page:
        for path in ("/", f"/orders/{tale.order}"):
            await page.goto(path)

            assert await page.evaluate(faint) == [], path
    assert site.complaints == []
