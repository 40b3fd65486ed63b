"""The contracts as documents: what is checked in is what the code says, and both specifications take it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator

from deploy import contracts
from deploy.contracts import DOCS
from deploy.local.installation import SERVICES
from shared.events import asyncapi
from shared.events.topics import TOPICS
from shared.http.problem import PROBLEM
from tests.contracts.golden import Sample, declared, samples

FACTS = asyncapi.document()
every_service = pytest.mark.parametrize("name", SERVICES)


@cache
def rendered() -> dict[Path, str]:
    return contracts.rendered()


def openapi(name: str) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(rendered()[DOCS / "openapi" / f"{name}.json"])
    return told


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


def resolved(document: dict[str, Any], reference: str) -> object:
    value: Any = document
    assert reference.startswith("#/")
    for part in reference.removeprefix("#/").split("/"):
        value = value[part.replace("~1", "/").replace("~0", "~")]
    return value


def test_what_is_checked_in_is_what_the_code_says() -> None:
    assert contracts.stale(rendered()) == [], "run make contracts"


def test_a_document_that_differs_is_missing_or_belongs_to_nobody_is_told() -> None:
    missing, same = DOCS / "openapi" / "nobody.json", DOCS / "openapi" / "catalog.json"
    mine = {DOCS / "asyncapi.json": "{}", missing: "{}", same: same.read_text("utf-8")}
    left = [f"docs/openapi/{name}.json" for name in SERVICES if name != "catalog"]

    assert contracts.stale(mine) == sorted(["docs/asyncapi.json", "docs/openapi/nobody.json", *left])


@every_service
def test_the_specification_takes_our_openapi(name: str) -> None:
    told = openapi(name)

    assert told["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(told).iter_errors()] == []


def test_the_specifications_judge_can_say_no() -> None:
    told = openapi("catalog")
    del told["paths"]["/v1/products"]["get"]["responses"]["200"]["description"]

    assert next(OpenAPIV31SpecValidator(told).iter_errors()) is not None


@every_service
def test_every_reference_leads_somewhere(name: str) -> None:
    told = openapi(name)

    for reference in references(told):
        assert resolved(told, reference) is not None


@every_service
def test_every_route_of_ours_asks_for_a_token_and_names_its_problems(name: str) -> None:
    told = openapi(name)
    ours = [operation for path, _, operation in operations(told) if path.startswith("/v1/")]

    assert ours
    assert told["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for operation in ours:
        assert operation["security"] == [{"bearer": []}], operation["operationId"]
        assert operation["description"], operation["operationId"]
        assert {"400", "401", "403"} <= operation["responses"].keys()
        assert not any(one["name"].lower() == "authorization" for one in operation["parameters"])
    assert "HTTPValidationError" not in json.dumps(told)


@every_service
def test_a_problems_codes_are_listed_under_its_status(name: str) -> None:
    told = openapi(name)["components"]["responses"]
    known = {
        key: response["content"][PROBLEM]["schema"]["allOf"][1]["properties"]["code"]["enum"]
        for key, response in told.items()
    }

    assert {"auth.required", "signature.refused"} <= set(known["Problem401"])
    assert "input.malformed" in known["Problem400"]
    assert "input.unknown_parameter" in known["Problem400"]
    listed = [code for codes in known.values() for code in codes]
    assert not any(code.split(".")[0] in SERVICES and not code.startswith(name) for code in listed)


@every_service
def test_a_partners_door_takes_bytes_and_no_token(name: str) -> None:
    doors = {path: one for path, _, one in operations(openapi(name)) if path.startswith(("/hooks/", "/webhooks/"))}

    for path, door in doors.items():
        assert door["security"] == [], path
        assert door["x-door"], path
        assert door["requestBody"]["content"] == {"*/*": {}}


def test_every_topic_is_a_channel_and_every_fact_a_message() -> None:
    assert set(FACTS["channels"]) == {topic.name for topic in TOPICS}
    assert set(FACTS["components"]["messages"]) == {f"{cls.type}.v{cls.version}" for cls in declared()}
    for topic in TOPICS:
        channel = FACTS["channels"][topic.name]
        assert set(channel["messages"]) == {f"{cls.type}.v{cls.version}" for cls in topic.events}
        assert channel["bindings"]["kafka"]["partitions"] == topic.partitions


def test_one_sends_a_topic_and_its_consumers_receive_it() -> None:
    said = {name: one["action"] for name, one in FACTS["operations"].items()}

    assert said == {f"{topic.producer}.sends.{topic.name}": "send" for topic in TOPICS} | {
        f"{consumer}.receives.{topic.name}": "receive" for topic in TOPICS for consumer in topic.consumers
    }


def test_every_reference_of_the_facts_leads_somewhere_and_nothing_lies_about() -> None:
    seen = set(references(FACTS))

    for reference in seen:
        assert resolved(FACTS, reference) is not None
    lying = {f"#/components/schemas/{name}" for name in FACTS["components"]["schemas"]}
    assert lying - seen == set()


def test_every_schema_of_the_facts_is_a_schema() -> None:
    for schema in FACTS["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("sample", samples(), ids=lambda sample: sample.file)
def test_a_sample_is_what_the_document_promises(sample: Sample) -> None:
    name = f"{sample.name}.v{sample.version}"
    message = FACTS["components"]["messages"][name]
    whole = {"components": FACTS["components"], "$ref": message["payload"]["$ref"]}
    said = {key: value.decode() for key, value in sample.headers.items()}
    trait = FACTS["components"]["messageTraits"]["cloudevent"]["headers"]

    for schema, value in ((whole, sample.data), (trait, said), (message["headers"], said)):
        Draft7Validator(schema, format_checker=FormatChecker()).validate(value)
    assert said.keys() == trait["properties"].keys() | message["headers"]["properties"].keys()


def test_what_a_fact_needs_is_required_in_the_document_and_what_was_added_later_is_not() -> None:
    for cls in declared():
        schema = FACTS["components"]["schemas"][f"{cls.type}.v{cls.version}"]
        needed = {name for name, field in cls.model_fields.items() if field.is_required()}
        assert set(schema.get("required", ())) == needed
        assert "additionalProperties" not in schema
