"""The contract's frame: how a fact is declared, written strictly, read leniently and brought up to date."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import ValidationError

from shared.events.base import REGISTRY, UPCASTS, Event, UnknownFact, event, read, upcast
from shared.events.orders import HoldSet, OrderPlaced
from tests.contracts import golden

HOLD: dict[str, Any] = {"order_id": "O-1", "seller": "s", "hold": "identity_missing", "reason": "unknown buyer"}
NAME = "toys.kite.flown"


@pytest.fixture(autouse=True)
def throw_away() -> Iterator[None]:
    """What a test declares is gone after it."""
    events, ways = dict(REGISTRY), dict(UPCASTS)
    yield
    REGISTRY.clear()
    REGISTRY.update(events)
    UPCASTS.clear()
    UPCASTS.update(ways)


class KiteFlown(Event):
    """Version 3: version 1 had feet, version 2 metres, both as `height`."""

    kite_id: str
    height_cm: int
    colour: str = "red"


@pytest.fixture
def kite() -> type[KiteFlown]:
    def metres(fields: dict[str, Any]) -> dict[str, Any]:
        return fields | {"height": fields["height"] * 0.3048}

    def centimetres(fields: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if name != "height"} | {
            "height_cm": round(fields["height"] * 100)
        }

    upcast(NAME, from_version=1)(metres)
    upcast(NAME, from_version=2)(centimetres)
    return event(NAME, version=3, key="kite_id")(KiteFlown)


def said(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("version", "told"), [(1, {"height": 100}), (2, {"height": 30.48}), (3, {"height_cm": 3048})], ids=[1, 2, 3]
)
def test_every_version_reads_as_the_newest(kite: type[KiteFlown], version: int, told: dict[str, float]) -> None:
    assert read(NAME, version, said(kite_id="k", **told)) == kite(kite_id="k", height_cm=3048)


def test_an_old_version_with_unknown_fields_is_read_too(kite: type[KiteFlown]) -> None:
    old = read(NAME, 1, said(kite_id="k", height=100, tail="long", colour="blue"))

    assert old == kite(kite_id="k", height_cm=3048, colour="blue")


def test_a_version_of_tomorrow_a_gap_in_the_chain_and_a_foreign_type_are_unknown(kite: type[KiteFlown]) -> None:
    del UPCASTS[NAME, 2]

    for name, version in ((NAME, 4), (NAME, 1), (NAME, 0), (NAME, -1), ("toys.kite.lost", 1)):
        with pytest.raises(UnknownFact):
            read(name, version, said(kite_id="k", height=100, height_cm=1))


@pytest.mark.parametrize("version", [1, 2, 3])
@pytest.mark.parametrize("data", [b"[]", b"null", b"1", b'"text"', b'{"height": 1, "height_cm": 1}'])
def test_data_of_a_wrong_shape_is_refused_in_every_version(kite: type[KiteFlown], version: int, data: bytes) -> None:
    with pytest.raises(ValidationError):
        read(NAME, version, data)


@pytest.mark.parametrize("version", [1, 3])
@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b'{"kite_id": "k"} x'])
def test_data_that_is_no_json_is_a_wrong_value(kite: type[KiteFlown], version: int, data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read(NAME, version, data)


def test_the_type_name_gives_topic_and_key(kite: type[KiteFlown]) -> None:
    assert (kite.type, kite.version, kite.topic) == (NAME, 3, "toys.kite")
    assert kite(kite_id="k-1", height_cm=1).key == "k-1"


def test_a_name_is_declared_once_and_its_key_is_a_field(kite: type[KiteFlown]) -> None:
    with pytest.raises(ValueError, match="declared twice"):
        event(NAME, version=4, key="kite_id")(KiteFlown)
    with pytest.raises(ValueError, match="not a field"):
        event("toys.kite.lost", version=1, key="owner")(KiteFlown)


@pytest.mark.parametrize("name", ["kite", "kite.flown", "a.b.c.d"])
def test_a_name_has_three_words(name: str) -> None:
    with pytest.raises(ValueError, match="unpack"):
        event(name, version=1, key="kite_id")(KiteFlown)
    assert name not in REGISTRY


def test_a_writer_cannot_add_a_field() -> None:
    assert HoldSet(**HOLD).hold == "identity_missing"
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        HoldSet(**HOLD | {"until": "tomorrow"})


def test_a_writer_cannot_add_a_field_within_a_value() -> None:
    given = golden.of(OrderPlaced).data
    assert OrderPlaced.model_validate(given).external_id == given["external_id"]

    with pytest.raises(ValidationError, match="unexpected_keyword_argument"):
        OrderPlaced.model_validate(given | {"amounts": given["amounts"] | {"tip": given["amounts"]["tax"]}})


@pytest.mark.parametrize("missing", HOLD)
def test_a_writer_cannot_leave_a_field_out(missing: str) -> None:
    with pytest.raises(ValidationError, match="Field required"):
        HoldSet(**{name: value for name, value in HOLD.items() if name != missing})


def test_a_fact_does_not_change() -> None:
    fact = HoldSet(**HOLD)

    with pytest.raises(ValidationError, match="frozen"):
        fact.hold = "other"  # type: ignore[misc]
    assert fact == HoldSet(**HOLD)
