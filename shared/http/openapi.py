"""What FastAPI says of a service, made true: bearer tokens, problem documents, bodies that we read ourselves. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

from shared.errors import Failure
from shared.http.problem import PROBLEM, status_of_kind

Json = dict[str, Any]

METHODS: Final = ("get", "put", "post", "delete", "patch")
COMMANDS: Final = ("put", "post", "delete", "patch")
_PROBLEM_SCHEMA: Final = {
    "type": "object",
    "description": "RFC 9457. `code` is stable and meant for programs; `detail` and `fix` are for people.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "where": {"type": "string", "description": "the field that is meant"},
        "fix": {"type": "string", "description": "what to send instead"},
    },
}
_SECURITY: Final = {
    "type": "http",
    "scheme": "bearer",
    "description": "A token with a role: operator, seller or service. A seller sees its own and nobody else's.",
}


def finished(document: Json, services: Collection[str]) -> Json:
    """What these services offer, with our security, our problems, and every schema where a reference finds it."""
    schemas: Json = dict(document.get("components", {}).get("schemas", {}))
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    paths = {path: _path(path, item, schemas) for path, item in document["paths"].items()}
    return {
        "openapi": document["openapi"],
        "info": {**document["info"], "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": "/"}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted({**schemas, "Problem": _PROBLEM_SCHEMA}.items())),
            "responses": _responses(services),
            "securitySchemes": {"bearer": _SECURITY},
        },
    }


TOLD_BY: Final = (
    "shared.db.engine",
    "shared.errors",
    "shared.events.",
    "shared.flow.",
    "shared.http.",
    "shared.money",
    "shared.security.",
)


def codes(services: Collection[str]) -> Mapping[int, tuple[str, ...]]:
    """Status → the stable codes of the failures that these services may tell; their own, and those of `shared` that can
    meet a request: whatever else a process has imported (a launcher, the other broker) is no answer of theirs."""
    found: dict[int, set[str]] = {}
    for kind in _failures(Failure):
        if kind.__module__.startswith((*TOLD_BY, *(f"services.{name}." for name in services))):
            found.setdefault(status_of_kind(kind), set()).add(kind.code)
    return {status: tuple(sorted(names)) for status, names in sorted(found.items())}


def _failures(kind: type[Failure]) -> Iterator[type[Failure]]:
    for child in kind.__subclasses__():
        yield child
        yield from _failures(child)


def _responses(services: Collection[str]) -> Json:
    return {
        f"Problem{status}": {
            "description": HTTPStatus(status).phrase,
            "content": {
                PROBLEM: {
                    "schema": {
                        "allOf": [
                            {"$ref": "#/components/schemas/Problem"},
                            {"properties": {"status": {"const": status}, "code": {"enum": list(names)}}},
                        ]
                    }
                }
            },
        }
        for status, names in codes(services).items()
    }


def _path(path: str, item: Json, schemas: Json) -> Json:
    return {
        method: _operation(path, method, operation, schemas) if method in METHODS else operation
        for method, operation in item.items()
    }


def _operation(path: str, method: str, operation: Json, schemas: Json) -> Json:
    parameters = [one for one in operation.get("parameters", ()) if one["name"].lower() != "authorization"]
    guarded = len(parameters) != len(operation.get("parameters", ()))
    parameters += _undeclared(path, parameters)
    known = {status: answer for status, answer in operation["responses"].items() if status != "422"}
    told = {str(s): {"$ref": f"#/components/responses/Problem{s}"} for s in _statuses(path, method, guarded=guarded)}
    made = {**operation, "parameters": parameters, "responses": dict(sorted((known | told).items()))}
    if not guarded and method == "post":
        # A partner's door: bytes, and answers in the partner's own words.
        made |= {"requestBody": {"content": {"*/*": {}}, "required": True}, "x-door": True}
    elif "requestBody" in made:
        made["requestBody"] = _lifted(made["requestBody"], schemas)
    return made | {"security": [{"bearer": []}] if guarded else []}


def _undeclared(path: str, parameters: Iterable[Json]) -> list[Json]:
    """A door reads the path's parameters itself, so FastAPI does not know of them."""
    known = {one["name"] for one in parameters if one["in"] == "path"}
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
        if name not in known
    ]


def _statuses(path: str, method: str, *, guarded: bool) -> Iterable[int]:
    """What a route of ours may answer beside success; the rest is answered before any route."""
    if not guarded:
        return ()
    answers = [400, 401, 403, 503]
    if "{" in path:
        answers.append(404)
    if method in COMMANDS:
        answers += [409, 413, 422]
    return sorted(answers)


def _lifted(value: Any, schemas: Json) -> Any:  # noqa: ANN401
    """Definitions inside a schema moved to where references of this document look for them."""
    if isinstance(value, list):
        return [_lifted(each, schemas) for each in value]
    if not isinstance(value, dict):
        return value
    for name, schema in value.get("$defs", {}).items():
        schemas[name] = _lifted(schema, schemas)
    rest = {key: _lifted(each, schemas) for key, each in value.items() if key != "$defs"}
    if isinstance(reference := rest.get("$ref"), str):
        rest["$ref"] = reference.replace("#/$defs/", "#/components/schemas/")
    return rest
