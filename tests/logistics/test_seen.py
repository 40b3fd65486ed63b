"""What a tracker's words may leave behind: codes and towns, nothing that could be a person."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.logistics.milestones import Milestone
from services.logistics.seen import kept
from services.logistics.tracking import Location, Raw
from tests.logistics.shipments import NOW, scan

HEARD = replace(scan(Milestone.IN_TRANSIT, NOW), provider="17track")


def test_a_couriers_words_are_dropped_and_codes_stay() -> None:
    seen = kept(replace(HEARD, raw=Raw("InTransit_PickedUp", "E-12", "handed to 林晓舟 13800000000")))

    assert seen.raw == Raw("InTransit_PickedUp", "E-12", None)
    assert (seen.dedupe_key, seen.milestone) == (HEARD.dedupe_key, HEARD.milestone)


@pytest.mark.parametrize("code", ["Exception_祖冲之", "110101199003070134", "handed to a man"])
def test_a_code_that_is_none_becomes_a_digest(code: str) -> None:
    seen = kept(replace(HEARD, raw=Raw(code, code)))

    assert code not in (seen.raw.code, seen.raw.sub_code)
    assert kept(seen) == seen


@pytest.mark.parametrize("town", ["福州", "YIWU", "Addis Ababa, Ethiopia", "Fuzhou (Changle)"])
def test_a_town_is_kept(town: str) -> None:
    assert kept(replace(HEARD, location=Location(town, "CN"))).location == Location(town, "CN")


@pytest.mark.parametrize("place", ["测试路1号", "13800000000", "a" * 41, "c/o lin@example.com"])
def test_a_place_that_is_no_town_is_not_kept(place: str) -> None:
    assert kept(replace(HEARD, location=Location(place, place, place, place, place))).location == Location()


def test_what_our_own_people_wrote_stays() -> None:
    ours = replace(HEARD, provider="operator", raw=Raw("declared_lost", None, "the carrier wrote so on 2 March"))

    assert kept(ours) == ours
