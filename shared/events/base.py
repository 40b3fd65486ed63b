"""The contract's frame: what a fact is, how it gets its name, and the registry of all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.errors import Permanent


class Event(BaseModel):
    """A fact that a service spoke. Frozen; writers cannot add a field, `read` ignores those that it doesn't know."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ClassVar[str]
    version: ClassVar[int]
    topic: ClassVar[str]
    key_field: ClassVar[str]

    @property
    def key(self) -> str:
        """The broker key: what keeps its facts in order, and the lane of everyone who handles it."""
        return str(getattr(self, self.key_field))


class UnknownFact(Permanent):
    """A type or version that this build does not know: kept as a dead letter until a build that does."""

    code = "events.unknown"


E = TypeVar("E", bound=Event)
Upcast = Callable[[dict[str, Any]], dict[str, Any]]

REGISTRY: Final[dict[str, type[Event]]] = {}
UPCASTS: Final[dict[tuple[str, int], Upcast]] = {}


def event(name: str, *, version: int, key: str) -> Callable[[type[E]], type[E]]:
    """Declare a fact: `service.aggregate.past-participle`; the first two words are its topic."""

    def declare(cls: type[E]) -> type[E]:
        if name in REGISTRY:
            raise ValueError(f"{name} is declared twice")
        if key not in cls.model_fields:
            raise ValueError(f"{name}: its key {key!r} is not a field")
        service, aggregate, _ = name.split(".")
        cls.type, cls.version, cls.topic, cls.key_field = name, version, f"{service}.{aggregate}", key
        REGISTRY[name] = cls
        return cls

    return declare


def upcast(name: str, *, from_version: int) -> Callable[[Upcast], Upcast]:
    """Register how the data of `from_version` reads as the next version: pure, chained, kept for ever."""

    def register(function: Upcast) -> Upcast:
        UPCASTS[name, from_version] = function
        return function

    return register


def read(name: str, version: int, data: bytes) -> Event:
    """The fact that these bytes say, brought up to this build's version.

    Raises UnknownFact for a type or version that nobody declared, pydantic's ValidationError for a wrong shape.
    """
    cls = REGISTRY.get(name)
    if cls is None or version > cls.version:
        raise UnknownFact(f"{name} version {version} is not known to this build")
    if version == cls.version:
        return cls.model_validate_json(data, extra="ignore")
    return cls.model_validate(_brought_up(cls, version, data), extra="ignore")


def _brought_up(cls: type[Event], version: int, data: bytes) -> object:
    fields = json.loads(data)
    if not isinstance(fields, dict):
        return fields  # an up-caster expects an object; the model says what is wrong with anything else
    for old in range(version, cls.version):
        if (cls.type, old) not in UPCASTS:
            raise UnknownFact(f"{cls.type}: no way from version {old} to {old + 1}")
        fields = UPCASTS[cls.type, old](fields)
    return fields
