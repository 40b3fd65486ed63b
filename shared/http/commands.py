"""What APIs' commands have in common: bodies read by field, and a key under which a repeat is a repeat."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any, Final, TypeVar
from urllib.parse import quote

from fastapi import Header, Response
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import BadInput, told
from shared.http.app import Reception
from shared.http.edge import response
from shared.http.payload import UNSTORABLE, read_object
from shared.ids import uuid7

Authorization = Annotated[str, Header()]
Once = Annotated[str, Header(alias="Idempotency-Key")]
LONGEST: Final = 200  # characters of an idempotency key or of a filter


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


B = TypeVar("B", bound=BaseModel)


async def take_once(
    reception: Reception, resource: tuple[str, ...], once: str, content: object, raw: bytes, door: str = ""
) -> Response:
    """Decide a command, once per key of the asker; `resource` says what it is about, and whose key it is.

    door: named by the content where nothing is said.
    """
    door = door or f"api.{type(content).__name__}"
    return response(await reception.command(door, once_key(door, resource, once, raw), content, raw))


def once_key(kind: str, resource: tuple[str, ...], once: str, raw: bytes) -> str:
    """A key belongs to one kind of command, one resource and one body: under it, another of these is another command.

    Without a key nothing is a repeat. Longer ones are refused and never cut: two that begin alike are two.
    """
    if len(once) > LONGEST or UNSTORABLE.search(once):
        raise BadInput("not a short text", where="Idempotency-Key", fix=f"send at most {LONGEST} characters")
    parts = (kind, *resource, once or str(uuid7()), hashlib.sha256(raw).hexdigest())
    return ":".join(quote(part, safe="") for part in parts)


def parsed(kind: type[B], raw: bytes) -> B:
    """The body as `kind`; what is wrong is told by field, never by value: a member that we do not know is a value."""
    fields = read_object(raw)
    try:
        return kind.model_validate(dict(fields.values))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(told(str(name)) for name in first["loc"])
        raise BadInput(first["msg"], where=where, fix="see /openapi.json") from error


def body_of(kind: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a body that we read ourselves."""
    return {"requestBody": {"content": {"application/json": {"schema": kind.model_json_schema()}}, "required": True}}
