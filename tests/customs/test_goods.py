"""The goods list of a corridor: prefixes, flows, dates, proofs."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.customs.goods import check_goods, entry_for, goods_entries, needs
from shared.errors import BadInput

LABEL, LIST = "label_zh", "positive_list"
ROWS: list[dict[str, Any]] = [
    {
        "hs": "0901.21",
        "flows": ["coffee-bonded"],
        "rules": [
            {"need": LIST, "source": "announcement of 2022", "mark": "unconfirmed"},
            {"need": LABEL, "source": "GB 7718-2011", "mark": "confirmed", "to": date(2027, 3, 15)},
            {"need": LABEL, "source": "GB 7718-2025", "mark": "confirmed", "from": date(2027, 3, 16)},
        ],
    },
    {"hs": "0901", "flows": ["farm-freight", "coffee-bonded"], "rules": []},
    {"hs": "0901.11", "flows": ["farm-freight"], "rules": []},
]
ENTRIES = goods_entries(ROWS)
TODAY = date(2026, 3, 2)


def rules(code: str, *proofs: str, flow: str = "coffee-bonded", day: date = TODAY) -> list[tuple[str, str]]:
    found = check_goods(ENTRIES, code, flow=flow, day=day, proofs=frozenset(proofs), line=1)
    return [(finding.rule, finding.here.value) for finding in found]


def test_goods_with_every_proof_may_travel() -> None:
    assert rules("0901210000", LIST, LABEL) == []


def test_each_missing_proof_is_named() -> None:
    assert rules("0901210000") == [("G01", LIST), ("G01", LABEL)]


def test_goods_that_no_entry_names_are_refused() -> None:
    assert rules("2401100000", LIST, LABEL) == [("R25", "2401100000")]


def test_the_longest_prefix_decides_even_against_the_flow() -> None:
    assert rules("0901110000") == [("R25", "0901110000")]
    assert rules("0901110000", flow="farm-freight") == []
    assert rules("0901900000") == []
    assert entry_for(ENTRIES, "0901110000", "coffee-bonded") is None


def test_a_rule_counts_from_its_first_day_to_its_last() -> None:
    last, first = date(2027, 3, 15), date(2027, 3, 16)
    labels = [
        [rule.source for rule in needs(ENTRIES, "0901210000", "coffee-bonded", day) or () if rule.need == LABEL]
        for day in (last, first)
    ]

    assert labels == [["GB 7718-2011"], ["GB 7718-2025"]]


@pytest.mark.parametrize("code", ["090121", "09012100001", "09012100AB", ""])
def test_a_code_has_ten_digits(code: str) -> None:
    assert [rule for rule, _ in rules(code, LIST, LABEL)] == ["R25"]


@pytest.mark.parametrize(
    "row", [{}, {"hs": 901, "flows": [], "rules": []}, {"hs": "1", "flows": [], "rules": [{"need": "x"}]}]
)
def test_an_incomplete_entry_is_bad_input(row: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        goods_entries([row])
