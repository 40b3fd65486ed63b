from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadInput
from shared.http.payload import Fields, read_form, read_object
from shared.money import Money


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"a":1,"a":2}',
        b'{"a":{"b":1,"b":1}}',
        b'{"a":NaN}',
        b'{"a":-Infinity}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        '{"a":"é"}'.encode("utf-16"),
        b'{"a":"\\ud800"}',
        b'{"\\uDC00":1}',
        b'{"a":["x\\u0000y"]}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"a":1e99999999999999999999}',
    ],
    ids=range(17),
)
def test_what_is_no_plain_json_object_is_bad_input(body: bytes) -> None:
    with pytest.raises(BadInput):
        read_object(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a":"\\ud83d\\ude00"}', "\N{GRINNING FACE}"),
        (b'{"a":"\\\\u0000 \\\\ud800"}', "\\u0000 \\ud800"),
        (b'{"a":5902603020001123456}', 5902603020001123456),
        (b'{"a":0.10}', Decimal("0.10")),
    ],
)
def test_what_is_lawful_is_kept_as_it_is(body: bytes, value: object) -> None:
    assert read_object(body).values == {"a": value}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "Expecting value at byte 0"),
        (b'{"a":1,}', "at byte 7"),
        ('{"咖啡":1 "b"'.encode(), "Expecting ',' delimiter at byte 12"),
        (b'{"a":1} x', "Extra data at byte 8"),
        (b'{"a":"\x01"}', "Invalid control character at byte 6"),
        (b'{"name":"\xff"}', "not UTF-8 at byte 9"),
        (b'{"a":1,"a":2}', "a member comes twice"),
        (b'{"a":' + b"[" * 100_000, "nested too deep"),
    ],
    ids=range(8),
)
def test_an_unreadable_body_says_what_is_wrong_and_at_which_byte(body: bytes, said: str) -> None:
    with pytest.raises(BadInput, match=re.escape(said)) as caught:
        read_object(body)

    assert caught.value.where == "body"


def test_an_unreadable_form_says_at_which_byte() -> None:
    with pytest.raises(BadInput, match="not a form: not UTF-8 at byte 2"):
        read_form(b"a=\xff")


@given(st.text(min_size=4, max_size=30))
def test_what_is_said_of_an_unreadable_body_repeats_nothing_of_it(secret: str) -> None:
    with pytest.raises(BadInput) as caught:
        read_object(b'{"name": "' + secret.encode("utf-8", "replace") + b"XQZ-4711-SECRET" + b'" "')

    assert "XQZ" not in str(caught.value)


@given(st.binary(max_size=200))
def test_only_bad_input_leaves_the_readers(body: bytes) -> None:
    for reader in (read_object, read_form):
        with suppress(BadInput):
            reader(body)


def test_a_form_field_that_comes_twice_is_refused() -> None:
    with pytest.raises(BadInput):
        read_form(b"a=1&b=2&a=1")


@pytest.mark.parametrize("body", [b"a=%ff", b"\xff=1", b"&".join(b"f%d=1" % i for i in range(65))])
def test_a_form_that_is_not_text_or_too_long_is_refused(body: bytes) -> None:
    with pytest.raises(BadInput):
        read_form(body)


def test_a_form_in_gbk_is_read_where_that_was_agreed() -> None:
    assert read_form(b"city=%B8%A3%D6%DD+1", "gbk") == {"city": "福州 1"}


FIELDS = Fields(
    {
        "text": "x",
        "empty": "",
        "null": None,
        "id": 2**60,
        "yes": True,
        "float": Decimal("1E+400"),
        "money": "12.34",
        "time": "2026-03-02T05:01:10+03:00",
        "naive": "2026-03-02T05:01:10",
        "list": [{"a": 1}],
        "texts": ["a"],
        "edge": "0001-01-01T00:00:00+14:00",
        "first": "0001-01-01T00:00:00Z",
        "before": "2000-01-01T07:59:59+08:00",
        "after": "2100-01-01T00:00:00Z",
        "last": "9999-12-31T23:59:59Z",
    }
)


def test_members_are_read_by_type() -> None:
    assert FIELDS.text("text") == "x"
    assert [FIELDS.maybe_text(name) for name in ("text", "empty", "null", "none")] == ["x", None, None, None]
    assert FIELDS.identifier("id") == "1152921504606846976"
    assert FIELDS.flag("yes") is True
    assert FIELDS.amount("money", "CNY") == Money(1234, "CNY")
    assert FIELDS.moment("time") == datetime(2026, 3, 2, 2, 1, 10, tzinfo=UTC)
    assert [child.integer("a") for child in FIELDS.children("list")] == [1]
    assert FIELDS.texts("texts") == ("a",)


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("text", "empty"),
        ("text", "id"),
        ("maybe_text", "list"),
        ("identifier", "yes"),
        ("identifier", "empty"),
        ("integer", "yes"),
        ("integer", "money"),
        ("decimal", "float"),
        ("decimal", "yes"),
        ("flag", "text"),
        ("moment", "naive"),
        ("moment", "text"),
        ("moment", "edge"),
        ("moment", "first"),
        ("moment", "before"),
        ("moment", "after"),
        ("moment", "last"),
        ("child", "list"),
        ("children", "texts"),
        ("children", "text"),
        ("texts", "list"),
    ],
)
def test_another_type_is_bad_input_that_names_the_member_and_not_its_value(method: str, name: str) -> None:
    with pytest.raises(BadInput) as bad:
        getattr(Fields(FIELDS.values, "order"), method)(name)

    assert bad.value.where == f"order.{name}"
    assert json.dumps(str(FIELDS.values[name])) not in str(bad.value)


@pytest.mark.parametrize("text", ["1e3", "1_000", " 1", "1.", "٣", "NaN", "9" * 16, "+1"])
def test_an_amount_is_plain_digits(text: str) -> None:
    with pytest.raises(BadInput):
        Fields({"amount": text}).amount("amount", "CNY")


def test_personal_values_are_not_shown() -> None:
    assert "Lin" not in repr(Fields({"name": "Lin"}))
