"""Two catalogues with the same names and the same gaps; times and durations as people of both languages write them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from string import Formatter
from zoneinfo import ZoneInfo

import pytest

from services.orders.said import HOLDS
from services.tower import pages_words
from services.tower.pages_words import catalogue, preferred, words_in
from services.tower.told import amount
from services.tower.wording import Words
from shared.money import Money

EN, ZH = words_in("en", "Asia/Shanghai"), words_in("zh", "Asia/Shanghai")
TOWER = Path(pages_words.__file__).parent


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_the_same_names_with_the_same_gaps() -> None:
    en, zh = catalogue("en"), catalogue("zh")

    assert en.keys() == zh.keys()
    assert {key: gaps(text) for key, text in en.items()} == {key: gaps(zh[key]) for key in en}


def test_every_name_that_a_page_asks_for_exists() -> None:
    asked = {
        name
        for page in (TOWER / "templates").iterdir()
        for name in re.findall(r"\bt\('([\w.-]+[\w])'", page.read_text(encoding="utf-8"))
    }

    assert len(asked) > 80
    assert asked - catalogue("en").keys() == set()


def test_every_hold_of_orders_is_worded_with_what_lifts_it() -> None:
    en = catalogue("en")

    assert [hold for hold in HOLDS for of in ("why", "next", "reason") if f"{of}.hold.{hold}" not in en] == []


@pytest.mark.parametrize(
    "reason",
    [
        "declaration_refused", "unknown_sku", "identity_missing", "cancelled_at_channel", "refunded_at_channel",
        "returned_abroad", "parcel_returned", "payer_mismatch", "stock_expired", "payment_overdue", "payment_failed",
        "short", "inadmissible",
    ],
)  # fmt: skip
def test_every_reason_for_which_an_order_ends_is_worded(reason: str) -> None:
    assert f"cause.{reason}" in catalogue("en")


def test_chinese_text_has_chinese_punctuation() -> None:
    wrong = {key: text for key, text in catalogue("zh").items() if re.search(r"[\u4e00-\u9fff][,;:(!?]", text)}

    assert wrong == {}


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0, "<1 s", "<1秒"),
        (12, "12 s", "12秒"),
        (61, "1 min 1 s", "1分钟1秒"),
        (3600, "1 h", "1小时"),
        (266_400, "3 d 2 h", "3天2小时"),
        (86_580, "1 d", "1天"),
        (-5, "<1 s", "<1秒"),
    ],
)
def test_durations_have_two_units_at_most(seconds: int, en: str, zh: str) -> None:
    assert EN.span(timedelta(seconds=seconds)) == en
    assert ZH.span(timedelta(seconds=seconds)) == zh


@pytest.mark.parametrize("words", [EN, ZH], ids=["en", "zh"])
@pytest.mark.parametrize(
    "at", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, tzinfo=UTC)], ids=["first", "last"]
)
def test_a_time_to_which_no_offset_can_be_added_breaks_no_page(words: Words, at: datetime) -> None:
    for zone in ("Asia/Shanghai", "America/New_York"):
        here = replace(words, zone=ZoneInfo(zone))

        assert str(at.year) in here.exact(at).lstrip("0")
        assert here.moment(at)


def test_times_are_the_operators_own() -> None:
    late = datetime(2026, 8, 4, 22, 5, tzinfo=UTC)

    assert (EN.moment(late), ZH.moment(late)) == ("5 Aug 06:05", "8月5日 06:05")


def test_a_missing_value_is_a_dash_and_a_missing_name_is_shown() -> None:
    assert EN.t("order.gap") == "– without a fact"
    assert EN.t("no.such.name") == "no.such.name"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (129_000, "CNY", "CNY 1,290.00"),
        (-500, "CNY", "CNY −5.00"),
        (1_234_567, "JPY", "JPY 1,234,567"),
        (5, "KWD", "KWD 0.005"),
    ],
)
def test_amounts_keep_their_currencys_decimals(minor: int, currency: str, text: str) -> None:
    assert amount(Money(minor, currency)) == text


def test_a_cookie_comes_before_the_browsers_wish() -> None:
    assert preferred("", "zh", "en-GB,en") == "zh"
    assert preferred("", "", "zh-CN,zh;q=0.9") == "zh"
    assert preferred("", "xx", "fr") == "en"
