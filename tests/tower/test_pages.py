"""The pages as HTML: who may come in, what stands there, and what a browser is told to allow."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from services.tower.attention import DeadLetter
from services.tower.settings import TowerSettings
from shared.events import customs, orders
from tests.support.journeys import Mailed, Marketplace, Undone
from tests.support.tales import NOON, Tale
from tests.support.tower import Tower, opened

VOID = {"meta", "link", "input", "br", "img", "hr"}


class Strict(HTMLParser):
    """Fails where a browser would silently repair: wrong nesting, an id given twice, code inside the page."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {name for name, _ in attrs}
        assert not {name for name in names if name.startswith("on") or name == "style"}, (tag, names)
        assert tag != "style"
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        assert not self.open or self.open[-1] != "script" or not data.strip()
        self.text.append(data.strip())


def read(response: httpx.Response) -> str:
    """The page's words, after it proved to be well made."""
    parser = Strict()
    parser.feed(response.text)
    parser.close()
    assert parser.open == []
    assert len(parser.ids) == len(set(parser.ids))
    return " ".join(text for text in parser.text if text)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(
    "tale",
    [
        Tale().to_customs(), Tale().whole(), Tale().rejected(), Tale().mismatched(), Mailed().to_border(),
        Mailed().whole(), Marketplace().to_customs(), Marketplace().whole(), Undone().whole(),
    ],
)  # fmt: skip
async def test_every_page_is_whole_in_both_languages(tower: Tower, tale: Tale, lang: str) -> None:
    tower.letters.append(DeadLetter("customs", tale.order, "orders.order.amended", "flow.bug", "KeyError", NOON, 3, 2))
    await tower.hears(tale)

    for path in (
        "/",
        "/orders",
        f"/orders/{tale.order}",
        "/dead-letters",
        "/cases",
        "/find?q=zzzz",
        "/orders?problems=1&reason=rejected",
    ):
        page = await tower.page(path, lang=lang)
        words = read(page)

        assert page.headers["content-language"] == {"en": "en", "zh": "zh-Hans"}[lang]
        assert f'lang="{page.headers["content-language"]}"' in page.text
        assert (
            re.findall(
                r"(?<![\w.])(?:step|why|next|fact|stage|level|order|overview|dead|reason|value|cause|sheet|papers|account|way|party)\.[a-z_]+\b(?!\.)",
                words,
            )
            == []
        )


async def test_an_order_page_opens_with_why_and_next(tower: Tower) -> None:
    tale = Tale().rejected()
    await tower.hears(tale)

    words = read(await tower.page(f"/orders/{tale.order}"))

    assert "Customs refused the declaration: -620013 收货地址不完整" in words
    assert "the same order is declared again under a new attempt" in words
    assert "Give province, city, district and street." in words
    assert "caused by #14, 1 s later" in words
    assert words.index("Why it is here") < words.index("Story")


async def test_a_trace_leads_to_where_traces_are_shown_if_that_is_known(dsn: str, tmp_path: Path) -> None:
    tale = Tale()
    tale.placed()
    trace = tale.envelopes[0].cause.traceparent[3:35]
    async with opened(dsn, tmp_path, trace_url="http://jaeger:16686/trace/{id}") as tower:
        await tower.hears(tale)
        page = await tower.page(f"/orders/{tale.order}")

    assert f'<a href="http://jaeger:16686/trace/{trace}" rel="noreferrer">' in page.text


def test_a_trace_address_that_is_code_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="http or https"):
        TowerSettings(secrets=tmp_path, dsn=SecretStr(""), trace_url="javascript:alert(1)")


async def test_orders_are_filtered_by_a_hold_in_words(tower: Tower) -> None:
    held, other = Tale("1001"), Tale("1002")
    held.placed()
    held.say(orders.HoldSet(**held.of(), hold="identity_missing", reason=""))
    other.placed()
    await tower.hears(held, other)

    page = await tower.page("/orders?hold=identity_missing")

    assert '<option value="identity_missing" selected>Identity missing</option>' in page.text
    assert page.text.count("<tr data-row") == 1


@pytest.mark.parametrize("after", ["yesterday", "2026-11-25T04:00:00~x", "0001-01-01T00:00:00%2B14:00~x"])
async def test_a_mistyped_place_in_the_list_is_its_beginning(tower: Tower, after: str) -> None:
    await tower.hears(Tale().to_customs())

    page = await tower.page(f"/orders?after={after}")

    assert (page.status_code, page.text.count("<tr data-row")) == (200, 1)


async def test_a_story_can_be_narrowed_and_keeps_its_numbers(tower: Tower) -> None:
    tale = Tale().rejected()
    await tower.hears(tale)

    page = await tower.page(f"/orders/{tale.order}?track=customs")

    assert re.findall(r'id="e(\d+)"', page.text) == ["11", "13", "14"]
    assert re.findall(r'id="e(\d+)"', (await tower.page(f"/orders/{tale.order}?problems=1")).text) == ["14", "15"]


async def test_one_hit_is_gone_to_and_none_is_a_404_with_advice(tower: Tower) -> None:
    tale = Tale().to_customs()
    await tower.hears(tale)
    fact = str(tale.envelopes[3].id)

    by_number = await tower.page(f"/find?q={tale.waybill}")
    by_fact = await tower.page(f"/o/{fact}")
    none = await tower.page("/orders/CR-0000-0000")

    assert (by_number.status_code, by_number.headers["location"]) == (303, f"/orders/{tale.order}")
    assert by_fact.headers["location"] == f"/orders/{tale.order}#f-{fact}"
    assert none.status_code == 404
    assert "The last four characters are enough" in read(none)


async def test_several_hits_are_listed(tower: Tower) -> None:
    await tower.hears(Tale("77001").to_customs(), Tale("88001").to_customs())

    page = await tower.page("/find?q=8001")
    both = await tower.page("/find?q=001")

    assert page.status_code == 303
    assert both.status_code == 404  # three characters are too few for the end of a number


async def test_a_shop_that_counts_from_one_finds_its_order_by_the_whole_number(tower: Tower) -> None:
    tale = Tale("7").to_customs()
    await tower.hears(tale, Tale("17").to_customs(), Tale("70007").to_customs())

    page = await tower.page("/find?q=%237")
    hits = (await tower.get("/v1/tower/search?q=7"))["hits"]
    options = await tower.page("/find?q=7&part=hits")
    nothing = read(await tower.page("/find?q=&part=hits"))

    assert (page.status_code, page.headers["location"]) == (303, f"/orders/{tale.order}")
    assert [hit["order_id"] for hit in hits] == [tale.order]
    assert f'href="/orders/{tale.order}"' in options.text
    assert "/orders/" not in nothing


async def test_documents_that_differ_are_never_headed_by_their_agreement(tower: Tower) -> None:
    tale = Tale().mismatched()
    agree, differ = Tale("1002").to_customs(), Tale("1003").mismatched()
    differ.say(orders.CancellationRequested(**differ.of(), by="buyer", reason="requested"))
    differ.say(customs.DeclarationWithdrawn(**differ.of(), attempt=1, role="import", kind="cancel", at=NOON))
    alone = Tale("1004")
    alone.placed()
    await tower.hears(tale, agree, differ, alone)

    pages = [read(await tower.page(f"/orders/{one.order}")) for one in (tale, differ, agree, alone)]
    here, past, other, uncompared = pages

    assert "Documents 1 differ" in here
    assert "What differs Field" in here
    assert "nothing differs" not in here + past + uncompared
    assert "What differed when they were last matched" in past
    assert "Documents nothing differs" in other


async def test_search_options_are_a_fragment(tower: Tower) -> None:
    tale = Tale("77001").to_customs()
    await tower.hears(tale)

    options = await tower.page("/find?part=hits&q=7001")

    assert options.text.count('role="option"') == 1
    assert f"/orders/{tale.order}" in options.text
    assert "<html" not in options.text


async def test_nobody_comes_in_without_a_token_and_is_brought_back_afterwards(tower: Tower) -> None:
    async with tower.client() as client:
        asked = await client.get("/orders?state=paid")
        wrong = await client.post("/login", data={"token": "guess", "next": "/orders"})
        right = await client.post("/login", data={"token": tower.tokens["seller"], "next": "/orders?state=paid"})
        inside = await client.get("/orders?state=paid")

    assert (asked.status_code, asked.headers["location"]) == (303, "/login?next=%2Forders%3Fstate%3Dpaid")
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    assert (right.status_code, right.headers["location"]) == (303, "/orders?state=paid")
    assert "HttpOnly" in right.headers["set-cookie"]
    assert "SameSite=lax" in right.headers["set-cookie"]
    assert tower.tokens["seller"] not in right.headers["set-cookie"]
    assert inside.status_code == 200


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
async def test_signing_in_leads_nowhere_else(tower: Tower, target: str) -> None:
    async with tower.client() as client:
        answer = await client.post("/login", data={"token": tower.tokens["operator"], "next": target})

    assert answer.headers["location"] == "/"


async def test_a_form_of_another_site_is_refused(tower: Tower) -> None:
    async with tower.client() as client:
        foreign = {"Origin": "https://evil.example"}
        entering = await client.post("/login", data={"token": tower.tokens["operator"]}, headers=foreign)
        leaving = await client.post("/logout", headers=foreign)
        own = await client.post("/login", data={"token": tower.tokens["operator"]}, headers={"Origin": "http://tower"})

    assert [answer.status_code for answer in (entering, leaving, own)] == [403, 403, 303]


async def test_a_session_ends_by_time_by_leaving_and_by_tampering(tower: Tower) -> None:
    async with tower.client() as client:
        await client.post("/login", data={"token": tower.tokens["operator"]})
        cookie = client.cookies["tower"]
        tampered = await tower.page("/orders", role="", tower=cookie[:-4] + "AAAA")
        garbage = await tower.page("/orders", role="", tower="no-cookie-of-ours")
        tower.clock.skip(tower.service.resources.settings.session * 1.01)  # type: ignore[attr-defined]  # TowerSettings
        late = await client.get("/orders")
        await client.post("/login", data={"token": tower.tokens["operator"]})
        await client.post("/logout")
        left = await client.get("/orders")

    assert [answer.status_code for answer in (tampered, garbage, late, left)] == [303] * 4


async def test_a_seller_sees_neither_dead_letters_nor_foreign_orders(tower: Tower) -> None:
    foreign = Tale("1002", seller="lakeside-tea").to_customs()
    await tower.hears(foreign)

    letters = await tower.page("/dead-letters", "seller")
    order = await tower.page(f"/orders/{foreign.order}", "seller")
    overview = (await tower.page("/", "seller")).text

    assert (letters.status_code, order.status_code) == (403, 404)
    assert foreign.number not in read(order)
    assert 'href="/dead-letters"' not in overview
    assert "CNY 129.00" not in overview


async def test_what_partners_wrote_is_text_and_never_markup(tower: Tower) -> None:
    tale = Tale()
    tale.placed(title="<script>alert(1)</script>")
    tale.say(orders.HoldSet(**tale.of(), hold="platform_hold", reason='"><img src=x onerror=alert(1)>'))
    await tower.hears(tale)

    for path in (f"/orders/{tale.order}", "/orders", "/", "/find?q=<script>alert(1)</script>"):
        page = await tower.page(path)
        read(page)

        assert "<script>alert" not in page.text
        assert "<img" not in page.text


async def test_every_page_says_what_a_browser_may_do(tower: Tower) -> None:
    for path, role in (("/", "operator"), ("/login", ""), ("/orders/nothing", "operator")):
        headers = (await tower.page(path, role)).headers

        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


async def test_files_are_kept_for_a_year_under_a_name_that_changes_with_them(tower: Tower) -> None:
    page = (await tower.page("/login", "")).text
    sheet = re.search(r'href="(/static/tower/[0-9a-f]{12}/tower\.css)"', page)
    assert sheet is not None

    found = await tower.page(sheet.group(1), "")
    old = await tower.page("/static/tower/000000000000/tower.css", "")
    outside = await tower.page(sheet.group(1).replace("tower.css", "..%2Fapp.py"), "")

    assert (found.status_code, found.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in found.headers["cache-control"]
    assert (old.status_code, outside.status_code) == (404, 404)


async def test_language_and_theme_become_cookies_and_leave_the_address(tower: Tower) -> None:
    answer = await tower.page("/orders?lang=zh&state=paid&theme=dark")
    unknown = await tower.page("/orders?lang=xx")

    assert (answer.status_code, answer.headers["location"]) == (303, "/orders?state=paid")
    assert [cookie.split(";")[0] for cookie in answer.headers.get_list("set-cookie")] == ["lang=zh", "theme=dark"]
    assert "set-cookie" not in unknown.headers
    assert 'data-theme="dark"' in (await tower.page("/", theme="dark")).text
    assert 'data-theme="auto"' in (await tower.page("/", theme='"><script>')).text


async def test_an_empty_tower_says_that_it_is_empty(tower: Tower) -> None:
    assert "No open orders. Last fact: none yet." in read(await tower.page("/"))
    assert "No order has come in yet" in read(await tower.page("/orders"))
    assert "No order answers to this filter." in read(await tower.page("/orders?state=paid"))
    assert "No dead letters. Checked at 12:00." in read(await tower.page("/dead-letters"))


async def test_pages_are_small(tower: Tower) -> None:
    tale = Tale().whole()
    await tower.hears(tale)
    async with tower.client("operator") as client:
        sizes = {}
        for path in ("/", f"/orders/{tale.order}"):
            answer = await client.send(client.build_request("GET", path), stream=True)
            sizes[path] = sum([len(part) async for part in answer.aiter_raw()])

    assert sizes["/"] <= 15_000
    assert sizes[f"/orders/{tale.order}"] <= 20_000
