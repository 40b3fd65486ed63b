"""Persons: the check digit, how input is normalised, what is masked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.customs.identity import (
    is_masked,
    mask_address,
    mask_name,
    mask_number,
    normal_id,
    normal_name,
    normal_phone,
)
from shared.security.personal import id_number_is_valid

VALID = "999999199003071015"


def test_the_check_digit_decides() -> None:
    assert id_number_is_valid(VALID)
    assert id_number_is_valid("99999919900307008X")
    assert not id_number_is_valid("99999919900307008x")  # a document says X; `normal_id` makes it so


@given(st.integers(0, 17), st.sampled_from("0123456789X"))
def test_no_single_wrong_digit_passes(place: int, digit: str) -> None:
    """ISO 7064 MOD 11-2 finds every substitution."""
    wrong = VALID[:place] + digit + VALID[place + 1 :]

    assert id_number_is_valid(wrong) is (wrong == VALID)


@given(st.integers(0, 16))
def test_no_swap_of_neighbours_passes(place: int) -> None:
    swapped = VALID[:place] + VALID[place + 1] + VALID[place] + VALID[place + 2 :]

    assert id_number_is_valid(swapped) is (swapped == VALID)


@pytest.mark.parametrize(
    "text", ["", "1", VALID[:17], VALID + "5", VALID + "\n", "X" * 18, "９" * 18, VALID[:-1] + "５"]
)
def test_what_is_no_number_of_18_places_is_refused(text: str) -> None:
    assert not id_number_is_valid(text)


def test_input_is_normalised_before_it_is_checked() -> None:
    assert normal_id(" 999999 19900307 008x ") == "99999919900307008X"
    assert normal_id("９９９９９９１９９００３０７１０１５") == VALID


@pytest.mark.parametrize(
    "typed", ["13900000002", "+86 139-0000-0002", "0086 13900000002", "８６１３９０００００００２", "(139) 0000 0002"]
)
def test_a_phone_is_its_eleven_digits(typed: str) -> None:
    assert normal_phone(typed) == "13900000002"


def test_a_landline_keeps_its_leading_zero() -> None:
    assert normal_phone("0591-8888 7777") == "059188887777"


def test_a_name_keeps_its_words_and_has_one_kind_of_dot() -> None:
    assert normal_name("  陈 测试 ") == "陈 测试"
    assert {normal_name(f"阿依{dot}买买提") for dot in "·•・‧"} == {"阿依·买买提"}


@pytest.mark.parametrize("text", ["张*", "138****0001", "张＊", "•••", "广东省***", "张•", "138••••0001"])
def test_masks_of_channels_are_recognised(text: str) -> None:
    assert is_masked(text)


@pytest.mark.parametrize("text", ["张三", "13800000001", "99999919900307008X", "阿依·买买提", "5-301#"])
def test_whole_values_are_not_taken_for_masked(text: str) -> None:
    assert not is_masked(text)


def test_what_people_see_hides_what_identifies() -> None:
    assert [mask_name("陈测试"), mask_name("陈"), mask_name("")] == ["陈**", "陈*", ""]
    assert mask_number(VALID) == "99**************15"
    assert [mask_number("13900000002"), mask_number("1234")] == ["13*******02", "****"]
    assert mask_address("福建省福州市鼓楼区测试路9号") == "福建省福州市***"


@given(st.text(min_size=1, max_size=40))
def test_no_mask_shows_a_whole_value_or_fails(text: str) -> None:
    assert mask_number(text) != text or set(text) == {"*"}
    assert mask_name(text) != text or text[1:] == "*" * (len(text) - 1)
    assert len(normal_phone(text)) <= len(text) * 18  # some compatibility forms are long
