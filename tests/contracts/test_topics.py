"""The manifest agrees with what is declared, with what the services handle and with what the broker can keep."""

from __future__ import annotations

import re
from typing import Final

import pytest

from services.catalog.process import HANDLES as CATALOG
from services.customs.process import HANDLES as CUSTOMS
from services.logistics.process import HANDLES as LOGISTICS
from services.orders.process import HANDLES as ORDERS
from services.payments.process import HANDLES as PAYMENTS
from services.tower.process import make_process as tower
from shared.broker.ports import TopicSpec
from shared.events.base import REGISTRY, Event
from shared.events.topics import TOPICS, Topic, consumed_by, specs
from tests.contracts.golden import declared, samples

HANDLES: Final = {
    "catalog": CATALOG, "customs": CUSTOMS, "logistics": LOGISTICS, "orders": ORDERS, "payments": PAYMENTS,
    "tower": tower().handles,
}  # fmt: skip
BY_NAME: Final = {topic.name: topic for topic in TOPICS}
WORD: Final = r"[a-z]+(?:-[a-z]+)*"
# Participles that do not end in -ed.
IRREGULAR: Final = {"drawn", "found", "held", "lost", "made", "set", "withdrawn", "written"}
# What may stand behind a participle: handed over, written off.
PARTICLES: Final = {"abroad", "off", "over"}

each_topic = pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
each_event = pytest.mark.parametrize("cls", declared(), ids=lambda cls: cls.type)


def test_every_declared_event_lies_on_a_topic_of_the_manifest() -> None:
    ours = [cls for cls in REGISTRY.values() if cls.__module__.startswith("shared.events.")]

    assert {cls.type for cls in ours if cls.topic not in BY_NAME} == set()
    assert len(ours) == len(declared())


def test_a_topic_stands_once_in_the_manifest() -> None:
    assert len(BY_NAME) == len(TOPICS)


@each_event
def test_a_name_is_service_aggregate_and_past_participle(cls: type[Event]) -> None:
    matched = re.fullmatch(rf"(?P<topic>{WORD}\.{WORD})\.(?P<fact>{WORD})", cls.type)

    assert matched is not None
    assert matched["topic"] == cls.topic
    words = matched["fact"].split("-")
    last = words[-2] if words[-1] in PARTICLES else words[-1]
    assert last.endswith("ed") or last in IRREGULAR


@each_event
def test_a_fact_says_in_words_what_it_means(cls: type[Event]) -> None:
    assert (cls.__dict__["__doc__"] or "").rstrip().endswith(".")


@each_topic
def test_the_producer_is_the_topics_first_word_and_does_not_listen_to_itself(topic: Topic) -> None:
    assert topic.name.split(".")[0] == topic.producer
    assert topic.producer in HANDLES
    assert topic.producer not in topic.consumers


@each_topic
def test_the_key_is_a_required_text_field_of_every_fact(topic: Topic) -> None:
    assert topic.events
    for cls in topic.events:
        assert cls.key_field == topic.key
        assert cls.model_fields[topic.key].is_required()


@each_topic
def test_a_consumer_stands_once_and_handles_at_least_one_fact_of_the_topic(topic: Topic) -> None:
    idle = {name for name in topic.consumers if not HANDLES[name] & set(topic.events)}

    assert idle == set()
    assert len(set(topic.consumers)) == len(topic.consumers)


@pytest.mark.parametrize("service", HANDLES)
def test_whatever_a_service_handles_lies_on_a_topic_that_lists_it(service: str) -> None:
    unheard = {cls.type for cls in HANDLES[service] if service not in BY_NAME[cls.topic].consumers}

    assert unheard == set()
    assert set(consumed_by(service)) == {cls.topic for cls in HANDLES[service]}


def test_the_tower_hears_everything() -> None:
    assert HANDLES["tower"] == set(declared())


def test_a_fact_that_asks_is_handled_by_a_service_that_can_act() -> None:
    asks = {cls for cls in declared() if cls.type.endswith(("-requested", "-authorised"))}
    unanswered = {cls.type for cls in asks if not any(cls in HANDLES[name] for name in HANDLES if name != "tower")}

    # A wish to cancel starts nothing elsewhere by itself; what undoes each track is asked one by one.
    assert unanswered == {"orders.order.cancellation-requested"}


@each_topic
def test_the_broker_is_asked_for_what_it_can_keep(topic: Topic) -> None:
    assert topic.partitions >= 1
    assert topic.retention_days >= 1
    assert 64 * 1024 <= topic.max_bytes <= 1024 * 1024  # what Kafka 4 takes as one record without further settings


def test_the_largest_sample_fills_a_small_part_of_a_record() -> None:
    sizes = {
        sample.file: (len(sample.value) + sum(len(name) + len(value) for name, value in sample.headers.items()))
        / BY_NAME[sample.name.rpartition(".")[0]].max_bytes
        for sample in samples()
    }

    assert {file: share for file, share in sizes.items() if share > 0.05} == {}


def test_the_brokers_see_the_manifest_as_it_is() -> None:
    assert specs() == tuple(TopicSpec(t.name, t.partitions, t.retention_days, t.max_bytes) for t in TOPICS)
    assert len(specs()) == 14
