"""What comes in may be anything: only our own errors come out, quickly, and nothing is opened or unpacked."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.customs.documents import Kind, OrderDocument
from services.customs.match import Terms, match
from services.customs.providers.ceb import dxp, wire
from services.customs.providers.ceb.inspection import inspect
from services.customs.providers.ceb.parser import MAX_BYTES, MAX_DEPTH, parse
from services.customs.providers.ceb.signature import verify
from shared.errors import BadInput, Failure, SignatureRefused, Unrecognised
from tests.customs import cases, papers
from tests.customs.keys import enterprise

RECEIPT = cases.read("good/A-direct-9610/622-released.xml")
SIGNED = wire.build(papers.inventory(), papers.TRANSFER, enterprise().signer)
ENVELOPE = cases.read("dxp/DxpMsg-311.xml")
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


def reading_doors() -> list[Callable[[bytes], object]]:
    keys = [enterprise().verifier]
    return [
        wire.parse_incoming,
        lambda data: wire.parse_message(data, keys, papers.AT),
        lambda data: dxp.open_envelope(data, keys, papers.AT),
        dxp.read_answer,
        lambda data: verify(data, keys, papers.AT),
    ]


@pytest.mark.parametrize(
    "text",
    [
        f'{HEAD}<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        f'{HEAD}<!DOCTYPE a SYSTEM "http://127.0.0.1:9/evil.dtd"><a/>',
        f'{HEAD}<!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>',
        f'{HEAD}<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]><a/>',
        f'{HEAD}<!DOCTYPE a [<!ENTITY x "{"A" * 50_000}">]><a>{"&x;" * 10_000}</a>',
        f"{HEAD}<!DOCTYPE a><a/>",
    ],
    ids=["file", "network", "laughs", "parameter", "quadratic", "bare"],
)
def test_a_document_type_is_refused_before_anything_is_opened_or_unpacked(text: str) -> None:
    started = time.perf_counter()
    for door in reading_doors():
        with pytest.raises(BadInput):
            door(text.encode())

    assert time.perf_counter() - started < 1


def test_includes_are_not_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    root = parse(
        f'<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="{secret}" parse="text"/></a>'.encode()
    )

    assert "SECRET" not in "".join(str(text) for text in root.itertext())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe<\x00a\x00/\x00>\x00",
        '<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"),
        b'<?xml version="1.0" encoding="UTF-7"?><a>+ADw-</a>',
        b'<?xml version="1.0" encoding="GB18030"?><a/>',
        b"<a>\xc3\x28</a>",
        b"<a>\xed\xa0\x80</a>",
        b"<a>\x00</a>",
        b"<a><b></a></b>",
        b"<a/><b/>",
        b"<a b='1' b='2'/>",
        b"<a>&undefined;</a>",
        b"<x:a/>",
        b'{"json": true}',
        b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1),
        b"<a>" * 100_000,
        b"<a>" + b"x" * MAX_BYTES + b"</a>",
    ],
)
def test_what_is_not_bounded_utf8_xml_is_bad_input(data: bytes) -> None:
    with pytest.raises(BadInput):
        parse(data)


def test_the_deepest_allowed_document_and_a_byte_order_mark_are_taken() -> None:
    assert parse(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).tag == "a"
    assert parse(b"\xef\xbb\xbf<a/>").tag == "a"


def test_no_error_tells_what_the_document_said() -> None:
    for data in (b"<a>SECRET", b"<SECRET>&SECRET;</SECRET>", RECEIPT.replace(b"<returnTime>2", b"<returnTime>SECRET")):
        with pytest.raises(BadInput) as refused:
            wire.parse_incoming(data)
        assert "SECRET" not in f"{refused.value} {refused.value.where}"


@pytest.mark.parametrize("door", range(len(reading_doors())))
@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"<a>{text}</a>".encode("utf-8", "replace"))
)
def test_whatever_comes_only_our_errors_leave_a_door(door: int, data: bytes) -> None:
    with pytest.raises((BadInput, Unrecognised, SignatureRefused)):
        reading_doors()[door](data)


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """A true message with a piece cut out, doubled or overwritten."""
    start = draw(st.integers(0, len(whole)))
    length = draw(st.integers(0, 60))
    piece = draw(
        st.sampled_from([b"", whole[start : start + length] * 2, b"<x/>", b"9" * 40, b"\x00", b"]]>", "数".encode()])
    )
    return whole[:start] + piece + whole[start + length :]


@settings(max_examples=300, deadline=None)
@given(damaged(RECEIPT))
def test_a_damaged_receipt_is_read_or_refused(data: bytes) -> None:
    try:
        found = wire.parse_incoming(data)
    except (BadInput, Unrecognised):
        return
    assert len(found) >= 1


@settings(max_examples=300, deadline=None)
@given(damaged(SIGNED))
def test_a_damaged_signed_document_says_the_same_or_is_refused(data: bytes) -> None:
    try:
        message = wire.parse_message(data, [enterprise().verifier], papers.AT)
    except Failure:
        return
    assert message.documents == (papers.inventory(),)


@settings(max_examples=200, deadline=None)
@given(damaged(ENVELOPE))
def test_a_damaged_envelope_is_read_or_refused(data: bytes) -> None:
    try:
        envelope = dxp.read(parse(data))
    except (BadInput, Unrecognised):
        return
    assert len(envelope.cop_msg_id) > 0


@settings(max_examples=200, deadline=None)
@given(damaged(cases.read("good/B-bonded-1210/311-order.xml")))
def test_inspecting_and_matching_never_fail_they_find(data: bytes) -> None:
    result = inspect(data, Kind.ORDER, [enterprise().verifier], papers.AT)
    order = cast("OrderDocument | None", result.document)
    match(papers.papers(order=order), Terms(rates=cases.rates))

    assert result.document is not None or [finding.rule for finding in result.findings] == ["X01"]


def test_a_sound_document_of_another_kind_is_no_order() -> None:
    result = inspect(cases.read("good/B-bonded-1210/411-payment.xml"), Kind.ORDER, [cases.pinned()], cases.NOW)

    assert result.document is None
    assert [finding.rule for finding in result.findings] == ["X01"]
