"""CloudEvents 1.0 in binary mode: exact names and values, our extensions, and what comes of odd or forged headers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from shared.errors import BadInput
from shared.events.base import UnknownFact
from shared.events.envelope import Cause, Envelope, Headers, open_envelope, write_headers
from shared.events.orders import HoldSet
from shared.ids import OrderId

ID = UUID("019cac46-2c70-77f6-8011-776e8db7cd33")
TRACE = "00-8a37b83c96f1aa17d63d5db633defe9e-daca1d3958f2eae8-01"
FACT = HoldSet(order_id=OrderId("O-1"), seller="highland-coop", hold="identity_missing", reason="身份缺失")
AT = datetime(2026, 3, 2, 2, 0, 6, 125000, tzinfo=UTC)
ENVELOPE = Envelope(ID, FACT, AT, Cause("cause-1", "O-1", TRACE), "mombasa-fuzhou")
VALUE = FACT.model_dump_json().encode()
HEADERS = (*write_headers(ENVELOPE), ("ce_aggregateversion", b"17"))
REQUIRED = (
    "ce_specversion", "ce_type", "ce_id", "ce_time", "ce_schemaversion", "ce_correlationid", "ce_causationid",
)  # fmt: skip


def changed(**values: bytes) -> Headers:
    return tuple((name, values.get(name, value)) for name, value in HEADERS)


def without(*names: str) -> Headers:
    return tuple((name, value) for name, value in HEADERS if name not in names)


def test_the_headers_have_these_names_and_values_in_this_order() -> None:
    assert write_headers(ENVELOPE) == (
        ("content-type", b"application/json"),
        ("ce_specversion", b"1.0"),
        ("ce_type", b"orders.order.hold-set"),
        ("ce_source", b"/corridor/orders"),
        ("ce_schemaversion", b"1"),
        ("ce_id", b"019cac46-2c70-77f6-8011-776e8db7cd33"),
        ("ce_time", b"2026-03-02T02:00:06.125000+00:00"),
        ("ce_subject", b"O-1"),
        ("ce_partitionkey", b"O-1"),
        ("ce_correlationid", b"O-1"),
        ("ce_causationid", b"cause-1"),
        ("ce_corridor", b"mombasa-fuzhou"),
        ("traceparent", b"00-8a37b83c96f1aa17d63d5db633defe9e-daca1d3958f2eae8-01"),
    )


def test_the_value_is_the_data_alone() -> None:
    text = '{"order_id":"O-1","seller":"highland-coop","hold":"identity_missing","reason":"身份缺失"}'

    assert text.encode() == VALUE


def test_what_is_opened_is_what_was_written() -> None:
    opened = open_envelope(HEADERS, VALUE)

    assert opened == Envelope(ID, FACT, AT, ENVELOPE.cause, "mombasa-fuzhou", aggregate_version=17)


def test_what_a_fact_leads_to_names_it_as_the_cause_within_the_same_conversation() -> None:
    step = "00-8a37b83c96f1aa17d63d5db633defe9e-00000000000000aa-01"

    assert ENVELOPE.causing(step) == Cause(str(ID), "O-1", step)


def test_an_untraced_cause_is_the_context_that_samples_nothing() -> None:
    untraced = Envelope(ID, FACT, AT, Cause("c", "O-1"), "mombasa-fuzhou")

    assert dict(write_headers(untraced))["traceparent"] == b"00-" + b"0" * 32 + b"-" + b"0" * 16 + b"-00"


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_header_is_named(name: str) -> None:
    with pytest.raises(BadInput, match=f"header {name} is missing") as refused:
        open_envelope(without(name), VALUE)
    assert refused.value.where == "headers"


def test_only_the_required_headers_are_enough() -> None:
    bare = tuple((name, value) for name, value in HEADERS if name in REQUIRED)

    opened = open_envelope(bare, VALUE)

    assert (opened.event, opened.corridor, opened.aggregate_version) == (FACT, "", 0)
    assert opened.cause == Cause("cause-1", "O-1", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_id", b"1"),
        ("ce_id", b""),
        ("ce_id", b"\xff\xfe"),
        ("ce_time", b"yesterday"),
        ("ce_time", b"1772416806"),
        ("ce_time", b"2026-13-02T02:00:06Z"),
        ("ce_schemaversion", b""),
        ("ce_schemaversion", b"1.0"),
        ("ce_schemaversion", b"one"),
        ("ce_schemaversion", b"9" * 5000),
        ("ce_correlationid", b"\xc3\x28"),
        ("ce_causationid", b"\xff"),
        ("ce_aggregateversion", b"x"),
        ("ce_aggregateversion", b""),
        ("ce_corridor", b"\xff"),
    ],
)
def test_an_odd_header_is_bad_input(name: str, value: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        open_envelope(changed(**{name: value}), VALUE)
    assert refused.value.where == "headers"


@pytest.mark.parametrize("forged", [b"", b"\xff\xfe", b"00-zz-zz-01", b"x" * 5000])
def test_a_forged_trace_context_costs_the_trace_and_not_the_fact(forged: bytes) -> None:
    opened = open_envelope(changed(traceparent=forged), VALUE)

    assert (opened.event, opened.cause.id) == (FACT, "cause-1")
    assert opened.cause.traceparent == forged.decode(errors="replace")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ce_type", b"orders.order.vanished"),
        ("ce_type", b""),
        ("ce_type", b"orders.order.hold-set\n"),
        ("ce_schemaversion", b"2"),
        ("ce_schemaversion", b"0"),
        ("ce_schemaversion", b"-1"),
    ],
)
def test_a_type_or_version_of_nobody_is_unknown(name: str, value: bytes) -> None:
    with pytest.raises(UnknownFact):
        open_envelope(changed(**{name: value}), VALUE)


@pytest.mark.parametrize("name", ["ce_type", "ce_id", "ce_subject", "ce_causationid", "traceparent"])
def test_of_a_repeated_header_the_first_counts(name: str) -> None:
    """Some client libraries append a trace context of their own; the producer's stands before it."""
    assert open_envelope((*HEADERS, (name, b"forged")), VALUE) == open_envelope(HEADERS, VALUE)


def test_foreign_headers_are_nobodys_business() -> None:
    more: Headers = (("baggage", b"a=b"), ("tracestate", b"\xff"), ("CE_ID", b"other"), ("x", b""))

    assert open_envelope((*HEADERS, *more), VALUE) == open_envelope(HEADERS, VALUE)


def test_a_time_with_another_offset_is_the_same_moment_in_utc() -> None:
    opened = open_envelope(changed(ce_time=b"2026-03-02T10:00:06.125000+08:00"), VALUE)
    zulu = open_envelope(changed(ce_time=b"2026-03-02T02:00:06.125Z"), VALUE)

    assert opened.time == zulu.time == AT
    assert opened.time.tzinfo is zulu.time.tzinfo is UTC
    assert opened.time != AT.replace(tzinfo=timezone(timedelta(hours=8)))


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"order_id":"O-1"}',
        b'{"order_id":1,"seller":"s","hold":"h","reason":"r"}',
        b'{"order_id":"O-1","seller":"\xff","hold":"h","reason":"r"}',
        b"[" * 10_000,
    ],
    ids=range(8),
)
def test_unreadable_data_is_bad_input(value: bytes) -> None:
    with pytest.raises(BadInput) as refused:
        open_envelope(HEADERS, value)
    assert refused.value.where == "data"


def test_the_complaint_says_where_and_never_what() -> None:
    value = VALUE.replace(b'"hold":"identity_missing"', b'"hold":{"name":"Lin Xiaozhou"}')

    with pytest.raises(BadInput, match="hold") as refused:
        open_envelope(HEADERS, value)
    assert "Lin" not in str(refused.value)


@pytest.mark.parametrize("version", [b"0.3", b"1.1", b"2.0", b"", b"1"])
def test_another_specification_is_refused_by_name(version: bytes) -> None:
    with pytest.raises(BadInput, match="ce_specversion"):
        open_envelope(changed(ce_specversion=version), VALUE)


@pytest.mark.parametrize("time", [b"2026-03-02T02:00:06.125000", b"2026-03-02", b"20260302T020006"])
def test_a_time_without_offset_is_nobodys_time(time: bytes) -> None:
    with pytest.raises(BadInput, match="ce_time has no offset"):
        open_envelope(changed(ce_time=time), VALUE)


@pytest.mark.parametrize("time", [b"2026-03-02T02:00:06.125Z", b"2026-03-02T10:00:06.125+08:00"])
def test_a_time_of_any_zone_is_read_as_utc(time: bytes) -> None:
    assert open_envelope(changed(ce_time=time), VALUE).time == AT
