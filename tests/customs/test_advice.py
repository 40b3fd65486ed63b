"""What customs refuses is told in words and with a fix, for every code of its lists."""

from __future__ import annotations

import pytest

from services.customs.advice import FINAL, advise, used_in_year
from services.customs.codebook import rows
from services.customs.fixes import FIXES

CODES = sorted(
    {row["code"] for row in rows("ceb_error_codes")} | {row["return_status"] for row in rows("ceb_return_status")}
)


@pytest.mark.parametrize("code", CODES)
def test_every_code_of_the_lists_has_a_reason_and_a_fix_in_two_languages(code: str) -> None:
    advice = advise(code, "")

    known = {row["code"] for row in rows("ceb_error_codes")}
    assert advice.reason or code not in known  # a positive status brings customs' own words
    assert advice.fix_en.endswith(".")
    assert any("\u4e00" <= letter <= "\u9fff" for letter in advice.fix_zh)


@pytest.mark.parametrize(
    ("code", "info", "fix"),
    [
        ("100", "收货地址不详", None),
        ("100", "商品编码不在正面清单内", "R25"),
        ("100", "支付单不存在", "R04"),
        ("100", "毛重小于净重", "R27"),
        ("-621018", "", "R22"),
        ("-621005", "超限", "R21"),
        ("-621027", "", "R12"),
        ("-623005", "清单的状态不符合撤单申报要求", "R29"),
        ("-625015", "", "R22"),
        ("-301001", "", "R12"),
        ("R30", "", "R30"),
    ],
)
def test_the_fix_fits_what_was_refused(code: str, info: str, fix: str | None) -> None:
    advice = advise(code, info)

    if fix is None:
        assert advice.fix_en.startswith("Correct the receiver's address")
    else:
        assert (advice.fix_en, advice.fix_zh) == FIXES[fix]


def test_customs_words_are_kept_and_its_brackets_are_not() -> None:
    assert advise("100", "[Code:1800;Desc:收货地址不详]请核实").reason == "收货地址不详 请核实"
    assert advise("-623029", "").reason == "signature verification failed"
    assert advise("-623029", "验签失败").reason == "验签失败"


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("超过年度限额，已使用 25900.00，限额 26000.00", "25900.00"),
        ("个人年度已用额度：25990", "25990"),
        ("Used 12.5 of 26000", "12.5"),
        ("超过年度限额 26000", ""),
        ("", ""),
    ],
)
def test_what_customs_says_the_buyer_has_used_is_read_where_it_is_said(text: str, amount: str) -> None:
    assert used_in_year(text) == amount


def test_only_limits_are_beyond_correction() -> None:
    assert {"-621005", "-621018"} == FINAL
