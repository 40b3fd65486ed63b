"""Contracts are frozen: samples of every fact and version, which every build must still read."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from shared.errors import BadInput
from shared.events import topics
from shared.events.base import REGISTRY, UPCASTS, UnknownFact, read
from shared.events.envelope import Envelope, open_envelope, write_headers
from shared.events.topics import TOPICS
from tests.contracts.golden import added, all_of, declared, said

GOLDEN = Path(topics.__file__).parent / "golden"
SAMPLES = sorted(GOLDEN.glob("*.json"))


def sample(path: Path) -> tuple[tuple[tuple[str, bytes], ...], dict[str, Any]]:
    raw = json.loads(path.read_text("utf-8"))
    return tuple((name, value.encode()) for name, value in raw["headers"].items()), raw["data"]


def opened(path: Path) -> Envelope:
    headers, data = sample(path)
    return open_envelope(headers, json.dumps(data).encode())


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_this_build_reads_every_sample_and_writes_it_again(path: Path) -> None:
    headers, data = sample(path)

    envelope = opened(path)

    written = json.loads(envelope.event.model_dump_json())
    fields = type(envelope.event).model_fields
    assert said(written, data) == data
    assert all(not fields[name].is_required() for name in added(written, data))
    assert write_headers(envelope) == tuple(pair for pair in headers if pair[0] != "ce_aggregateversion")
    assert envelope.aggregate_version == 1


def test_every_fact_has_a_sample_of_its_version() -> None:
    wanted = {f"{name}.v{cls.version}" for name, cls in REGISTRY.items()}

    assert wanted <= {path.stem for path in SAMPLES}


def test_what_a_sample_says_is_compared_and_what_it_cannot_say_is_left_out() -> None:
    assert said({"a": 1, "b": [{"c": 2, "d": 3}]}, {"a": 1, "b": [{"c": 2}]}) == {"a": 1, "b": [{"c": 2}]}
    assert said({"a": 1, "b": [{"c": 2}, {}]}, {"a": 1, "b": [{"c": 2}]}) != {"a": 1, "b": [{"c": 2}]}
    assert said({"a": 1}, {"a": 1, "gone": 2}) != {"a": 1, "gone": 2}
    assert said({"a": 1}, {"a": 2}) != {"a": 2}


def test_every_field_says_something_in_one_of_its_samples() -> None:
    silent = {
        f"{cls.type}.{field}"
        for cls in declared()
        for field in cls.model_fields
        if all(sample.data.get(field) is None for sample in all_of(cls))
    }

    assert silent == set()


def test_a_reader_ignores_a_field_that_it_does_not_know() -> None:
    headers, data = sample(GOLDEN / "orders.order.completed.v1.json")

    event = open_envelope(headers, json.dumps(data | {"added_later": 1}).encode()).event

    assert not hasattr(event, "added_later")


def test_a_type_or_a_version_from_the_future_is_told_as_unknown() -> None:
    with pytest.raises(UnknownFact):
        read("orders.order.completed", 2, b"{}")
    with pytest.raises(UnknownFact):
        read("orders.order.teleported", 1, b"{}")


def test_an_old_version_is_brought_up_by_its_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    cls = REGISTRY["orders.order.hold-lifted"]
    monkeypatch.setattr(cls, "version", 3)
    monkeypatch.setitem(UPCASTS, (cls.type, 1), lambda data: data | {"hold": data["name"]})
    monkeypatch.setitem(UPCASTS, (cls.type, 2), lambda data: data | {"hold": data["hold"].lower()})

    event = read(cls.type, 1, b'{"order_id": "o", "seller": "s", "name": "CUSTOMS"}')

    assert json.loads(event.model_dump_json()) == {"order_id": "o", "seller": "s", "hold": "customs"}


@pytest.mark.parametrize("missing", ["ce_type", "ce_id", "ce_time", "ce_schemaversion", "ce_correlationid"])
def test_a_record_without_a_header_that_we_need_is_refused_by_name(missing: str) -> None:
    headers, data = sample(GOLDEN / "orders.order.completed.v1.json")

    with pytest.raises(BadInput, match=missing):
        open_envelope(tuple(pair for pair in headers if pair[0] != missing), json.dumps(data).encode())


def test_the_first_of_a_repeated_header_wins() -> None:
    headers, data = sample(GOLDEN / "orders.order.completed.v1.json")

    envelope = open_envelope((*headers, ("traceparent", b"00-forged")), json.dumps(data).encode())

    assert envelope.cause.traceparent.startswith("00-0af7")


def test_names_say_who_speaks_and_every_fact_lies_on_a_topic_of_the_manifest() -> None:
    known = {topic.name: topic for topic in TOPICS}

    for name, cls in REGISTRY.items():
        topic = known[cls.topic]
        assert name.startswith(f"{topic.producer}."), name
        assert cls.key_field == topic.key, name
    assert all(topic.events for topic in TOPICS)


def test_who_is_listed_as_a_consumer_handles_a_fact_of_the_topic_and_nobody_listens_to_more() -> None:
    for service in ("catalog", "orders", "payments", "logistics", "customs"):
        handled = importlib.import_module(f"services.{service}.process").HANDLES
        listed = {topic.name for topic in TOPICS if service in topic.consumers}
        assert {cls.topic for cls in handled} == listed, service
    assert all("tower" in topic.consumers for topic in TOPICS)
