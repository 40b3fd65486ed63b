"""The facts for people and tools: AsyncAPI 3.0, rendered from the classes that write and read them.

One document for the whole house. A consumer is named per topic, as the manifest has it; which of a topic's facts it
acts on is its own business and may grow without a word here.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from shared.events.base import Event
from shared.events.topics import TOPICS, Topic

Json = dict[str, Any]

DAY_MS: Final = 24 * 60 * 60 * 1000
BINDING: Final = "0.5.0"  # of AsyncAPI's Kafka bindings
_TEXT: Final = {"type": "string"}
_HEADERS: Final[dict[str, Json]] = {
    "ce_specversion": {"const": "1.0"},
    "ce_source": {**_TEXT, "description": "/corridor/<service>"},
    "ce_id": {**_TEXT, "format": "uuid", "description": "UUIDv7; what came twice under one id is one fact"},
    "ce_time": {**_TEXT, "format": "date-time", "description": "the moment of the decision, with offset"},
    "ce_subject": {**_TEXT, "description": "the key"},
    "ce_partitionkey": {**_TEXT, "description": "the key"},
    "ce_correlationid": {**_TEXT, "description": "the conversation: the lane in which it began"},
    "ce_causationid": {**_TEXT, "description": "the id of what led to it"},
    "ce_corridor": {**_TEXT, "description": "the city pair's profile"},
    "ce_aggregateversion": {**_TEXT, "description": "a number that rises within key and topic; gaps mean nothing"},
    "traceparent": {**_TEXT, "description": "W3C trace context of the step that spoke"},
    "content-type": {"const": "application/json"},
}


def document() -> Json:
    """The whole contract. Pure: the same classes give the same document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Corridor facts",
            "version": "1",
            "description": "What the services tell each other: CloudEvents 1.0 in Kafka's binary mode. Fields are only "
            "added; readers ignore those that they do not know.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": dict(pair for topic in TOPICS for pair in _operations(topic)),
        "components": {
            "messages": {_name(cls): _message(cls) for cls in _facts()},
            "messageTraits": {"cloudevent": _cloudevent()},
            "schemas": _schemas(),
        },
    }


def _facts() -> Iterator[type[Event]]:
    for topic in TOPICS:
        yield from topic.events


def _name(cls: type[Event]) -> str:
    return f"{cls.type}.v{cls.version}"


def _channel(topic: Topic) -> Json:
    return {
        "address": topic.name,
        "title": topic.name,
        "description": f"Spoken by {topic.producer} alone. Facts of one {topic.key} keep their order.",
        "messages": {_name(cls): {"$ref": f"#/components/messages/{_name(cls)}"} for cls in topic.events},
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "partitions": topic.partitions,
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": topic.retention_days * DAY_MS,
                    "max.message.bytes": topic.max_bytes,
                },
                "bindingVersion": BINDING,
            }
        },
        "x-producer": topic.producer,
        "x-consumers": list(topic.consumers),
        # AsyncAPI has no word for it: what a consumer cannot take stays in its own database and blocks its key.
        "x-dead-letters": "kept by the consumer, one queue per key, replayed to that consumer only",
    }


def _operations(topic: Topic) -> Iterator[tuple[str, Json]]:
    messages = [{"$ref": f"#/channels/{topic.name}/messages/{_name(cls)}"} for cls in topic.events]
    channel = {"$ref": f"#/channels/{topic.name}"}
    yield (
        f"{topic.producer}.sends.{topic.name}",
        {"action": "send", "channel": channel, "messages": messages, "tags": [{"name": topic.producer}]},
    )
    for consumer in topic.consumers:
        yield (
            f"{consumer}.receives.{topic.name}",
            {"action": "receive", "channel": channel, "tags": [{"name": consumer}]},
        )


def _message(cls: type[Event]) -> Json:
    first, _, rest = (inspect.getdoc(cls) or "").partition("\n\n")
    said = {"summary": " ".join(first.split())} | ({"description": " ".join(rest.split())} if rest else {})
    return {
        "name": cls.type,
        "title": cls.__name__,
        **said,
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        "headers": {
            "type": "object",
            "required": ["ce_type", "ce_schemaversion"],
            "properties": {"ce_type": {"const": cls.type}, "ce_schemaversion": {"const": str(cls.version)}},
        },
        "payload": {"$ref": f"#/components/schemas/{_name(cls)}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": cls.key_field}, "bindingVersion": BINDING}},
        "x-sample": f"shared/events/golden/{_name(cls)}.json",
    }


def _cloudevent() -> Json:
    return {
        "contentType": "application/json",
        "correlationId": {"location": "$message.header#/ce_correlationid"},
        "headers": {"type": "object", "required": sorted(_HEADERS), "properties": _HEADERS},
    }


def _schemas() -> Json:
    """Facts by their name and version, the values in them by their class; as a reader takes them."""
    template = "#/components/schemas/{model}"
    facts: Sequence[tuple[type[BaseModel], JsonSchemaMode]] = [(cls, "validation") for cls in _facts()]
    named, whole = models_json_schema(facts, ref_template=template)
    ours = {named[cls, "validation"]["$ref"].rpartition("/")[2]: _name(cls) for cls in _facts()}
    return dict(sorted((ours.get(name, name), _open(schema)) for name, schema in whole["$defs"].items()))


def _open(schema: Json) -> Json:
    """Writers may not add a field, readers ignore one: to those who read this, an object is open."""
    plain = {key: value for key, value in schema.items() if key not in ("additionalProperties", "title")}
    if "properties" in plain:
        bare = {name: {k: v for k, v in each.items() if k != "title"} for name, each in plain["properties"].items()}
        plain["properties"] = bare
    return plain
