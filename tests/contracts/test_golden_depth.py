"""What the samples promise below the first level: optional values, unknown fields, missing defaults, whole numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NoReturn

import pytest

from shared.events.base import Event, read
from shared.events.logistics import WaybillDocumentAccepted
from shared.events.orders import OrderPlaced
from tests.contracts import golden
from tests.contracts.golden import Sample, declared, filled, optional, samples

SAMPLES = samples()
CURRENT = [sample for cls in declared() for sample in golden.all_of(cls)]
every = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
every_current = pytest.mark.parametrize("sample", CURRENT, ids=lambda sample: sample.file)


def event(sample: Sample) -> Event:
    return read(sample.name, sample.version, sample.value)


def grown(value: Any) -> Any:
    """The same with a field of tomorrow in every object."""
    if isinstance(value, dict):
        return {key: grown(each) for key, each in value.items()} | {"of_tomorrow": {"a": [1]}}
    return [grown(each) for each in value] if isinstance(value, list) else value


def no_fraction(text: str) -> NoReturn:
    pytest.fail(f"{text}: a number that travels is whole")


def test_each_version_of_each_event_has_a_first_sample_and_nothing_else_has() -> None:
    wanted = {(cls.type, number) for cls in declared() for number in range(1, cls.version + 1)}

    assert {(sample.name, sample.version) for sample in SAMPLES if sample.number == 1} == wanted


def test_later_samples_of_a_version_are_numbered_on_and_each_says_a_field_that_the_ones_before_could_not() -> None:
    known: dict[tuple[str, int], set[str]] = {}
    for sample in sorted(SAMPLES, key=lambda one: (one.name, one.version, one.number)):
        before = known.get((sample.name, sample.version), set())
        now = set(_spots(sample.data))
        assert now - before, f"{sample.file} adds nothing"
        assert sample.number == 1 or before, f"{sample.file} has no sample before it"
        known[sample.name, sample.version] = before | now
    numbers = [one.number for one in sorted(SAMPLES, key=lambda one: (one.name, one.version, one.number))]
    assert all(after in {1, before + 1} for before, after in pairwise(numbers))


def _spots(value: Any, at: str = "") -> Iterator[str]:
    """Every place in it that has a name."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield f"{at}.{key}"
            yield from _spots(each, f"{at}.{key}")
    elif isinstance(value, list):
        for each in value:
            yield from _spots(each, f"{at}[]")


@every_current
def test_a_reader_ignores_what_it_does_not_know_at_any_depth(sample: Sample) -> None:
    assert read(sample.name, sample.version, json.dumps(grown(sample.data)).encode()) == event(sample)


@every
def test_no_number_of_a_sample_has_a_fraction(sample: Sample) -> None:
    json.loads(sample.value, parse_float=no_fraction)


@every
def test_subject_and_partition_key_are_the_facts_key(sample: Sample) -> None:
    assert sample.headers["ce_subject"] == sample.headers["ce_partitionkey"] == event(sample).key.encode()


def test_every_optional_field_is_filled_in_at_least_one_sample() -> None:
    wanted = {spot for cls in declared() for spot in optional(cls)}
    seen = {spot for sample in CURRENT for spot in filled(event(sample))}

    assert {("OrderPlaced", "person"), ("Amounts", "tax")} < wanted
    assert wanted - seen == set()


@pytest.mark.parametrize("cls", declared(), ids=lambda cls: cls.type)
def test_fields_with_a_default_may_be_missing_and_all_others_may_not(cls: type[Event]) -> None:
    data = {name: value for sample in golden.all_of(cls) for name, value in sample.data.items()}
    needed = {name: value for name, value in data.items() if cls.model_fields[name].is_required()}

    assert read(cls.type, cls.version, json.dumps(needed).encode()).model_fields_set == set(needed)
    for name in needed:
        with pytest.raises(ValueError, match=f"{name}\n  Field required"):
            read(cls.type, cls.version, json.dumps({k: v for k, v in data.items() if k != name}).encode())


def test_an_old_acceptance_without_the_fingerprint_names_nobody() -> None:
    sample = golden.of(WaybillDocumentAccepted)
    old = {name: value for name, value in sample.data.items() if name != "recipient_fingerprint"}

    fact = read(sample.name, 1, json.dumps(old).encode())

    assert isinstance(fact, WaybillDocumentAccepted)
    assert fact.recipient_fingerprint == ""


@pytest.mark.parametrize(("where", "name"), [("", "person"), ("amounts", "tax")])
def test_what_may_be_null_is_read_as_none(where: str, name: str) -> None:
    data = json.loads(golden.of(OrderPlaced).value)
    (data[where] if where else data)[name] = None

    fact = read(OrderPlaced.type, 1, json.dumps(data).encode())

    assert getattr(getattr(fact, where) if where else fact, name) is None
