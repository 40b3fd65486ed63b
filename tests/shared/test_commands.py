"""Keys under which a command is taken once, bodies told by field, and what our texts repeat of somebody else's."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shared.errors import BadInput, Unrecognised, told
from shared.http.commands import LONGEST, Body, once_key, parsed
from shared.money import Money

KEY = once_key("api.Close", ("order-1", "1"), "k", b"{}")


def test_the_same_key_of_the_same_command_is_a_repeat() -> None:
    assert once_key("api.Close", ("order-1", "1"), "k", b"{}") == KEY


@pytest.mark.parametrize(
    "other",
    [
        ("api.Lost", ("order-1", "1"), "k", b"{}"), ("api.Close", ("order-2", "1"), "k", b"{}"),
        ("api.Close", ("order-1", "2"), "k", b"{}"), ("api.Close", ("order-1", "1"), "K", b"{}"),
        ("api.Close", ("order-1", "1"), "k", b"[]"), ("api.Close", ("order-1",), "1:k", b"{}"),
        ("api.Close", ("order-1:1",), "k", b"{}"), ("api.Close", ("order-1", "1:k"), "", b"{}"),
    ],
)  # fmt: skip
def test_a_key_belongs_to_its_command_its_resource_and_its_body(
    other: tuple[str, tuple[str, ...], str, bytes],
) -> None:
    assert once_key(*other) != KEY


def test_without_a_key_nothing_is_a_repeat() -> None:
    assert once_key("api.Close", ("order-1",), "", b"{}") != once_key("api.Close", ("order-1",), "", b"{}")


def test_keys_that_differ_in_their_last_character_are_two() -> None:
    long = "x" * (LONGEST - 1)

    assert once_key("a", (), long + "1", b"") != once_key("a", (), long + "2", b"")


@pytest.mark.parametrize("once", ["x" * (LONGEST + 1), "a\0b", "\ud800"])
def test_a_key_that_would_have_to_be_cut_is_refused(once: str) -> None:
    with pytest.raises(BadInput) as refused:
        once_key("a", (), once, b"")

    assert refused.value.where == "Idempotency-Key"


class Parcel(Body):
    grams: int


@pytest.mark.parametrize(
    ("body", "where"),
    [({}, "grams"), ({"grams": "heavy"}, "grams"), ({"grams": 1, "colour": 2}, "colour")],
)
def test_what_is_wrong_is_told_by_field(body: Any, where: str) -> None:
    with pytest.raises(BadInput) as refused:
        parsed(Parcel, json.dumps(body).encode())

    assert refused.value.where == where


@pytest.mark.parametrize("name", ["110101199003074477", "王伟", "Zhang Wei"])
def test_a_member_that_may_be_a_person_is_not_repeated(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        parsed(Parcel, json.dumps({"grams": 1, name: 2}).encode())

    assert refused.value.where == told(name)
    assert name not in f"{refused.value} {refused.value.where} {refused.value.fix}"


@pytest.mark.parametrize(
    "word",
    ["TRADE_HALF_CLOSED", "orders/unknown", "{http://www.chinaport.gov.cn/dxp}DxpNew", "17", "12345", "-621018", ""],
)
def test_a_word_that_looks_like_a_code_is_repeated(word: str) -> None:
    assert told(word) == word


@pytest.mark.parametrize(
    "word",
    [
        "13800138000", "138-0013-8000", "110101199003074477", "A123456", "LP00012345", "Zhang Wei", "王伟", "a@b.co",
        "x" * 49, "1234567", "-6210181", "a\nb", "\ud800",
    ],
)  # fmt: skip
def test_a_word_that_may_be_a_person_or_a_number_becomes_a_digest(word: str) -> None:
    assert told(word).startswith("sha256:")
    assert len(told(word)) == len("sha256:") + 8
    assert word not in str(Unrecognised("word", word))


def test_two_words_have_two_digests_and_one_word_always_the_same() -> None:
    assert told("13800138000") == told("13800138000") != told("13800138001")


@pytest.mark.parametrize("text", ["13800138000 yuan", "1380013.8000138"])
def test_an_amount_that_is_none_is_not_repeated(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        Money.parse(text, "CNY")

    assert text not in str(refused.value)
    assert "sha256:" in str(refused.value)
