"""The golden samples: frozen files, headers and data as they travelled when they were made.

Each event version has `<name>.v<version>.json`; a field that was added later brought a `<name>.v<version>-<n>.json`.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from shared.events.base import Event
from shared.events.topics import TOPICS

FOLDER = Path(__file__).parents[2] / "shared" / "events" / "golden"
Spot = tuple[str, str]  # a class and one of its fields


@dataclass(frozen=True, slots=True)
class Sample:
    """`headers` and `data` as they travelled."""

    file: str
    name: str
    version: int
    number: int
    headers: dict[str, bytes]
    data: dict[str, Any]

    @property
    def value(self) -> bytes:
        return json.dumps(self.data, ensure_ascii=False).encode()


def samples() -> list[Sample]:
    return [_sample(path) for path in sorted(FOLDER.iterdir())]


def of(cls: type[Event]) -> Sample:
    """The first sample of this build's own version."""
    return _sample(FOLDER / f"{cls.type}.v{cls.version}.json")


def all_of(cls: type[Event]) -> list[Sample]:
    """Every sample of this build's own version, as its fields were added."""
    return [one for one in samples() if (one.name, one.version) == (cls.type, cls.version)]


def said(written: Any, sample: Any) -> Any:
    """Of what this build writes, what the sample's writer could say; the rest was added since, as its default."""
    if isinstance(written, dict) and isinstance(sample, dict):
        return {key: said(written[key], value) for key, value in sample.items() if key in written}
    if isinstance(written, list) and isinstance(sample, list) and len(written) == len(sample):
        return [said(*pair) for pair in zip(written, sample, strict=True)]
    return written


def added(written: dict[str, Any], sample: dict[str, Any]) -> set[str]:
    """The fields of the first level that the sample's writer did not know."""
    return set(written) - set(sample)


def declared() -> list[type[Event]]:
    """Every fact that the manifest knows; toys that other tests declare are not in it."""
    return [cls for topic in TOPICS for cls in topic.events]


def _sample(path: Path) -> Sample:
    matched = re.fullmatch(r"(?P<name>[a-z.-]+)\.v(?P<version>\d+)(-(?P<number>[2-9]|[1-9]\d))?\.json", path.name)
    assert matched is not None, f"{path.name} is not <name>.v<version>[-<number>].json"
    raw = json.loads(path.read_text("utf-8"))
    headers = {name: value.encode() for name, value in raw["headers"].items()}
    number = int(matched["number"] or 1)
    return Sample(path.name, matched["name"], int(matched["version"]), number, headers, raw["data"])


def optional(kind: object) -> set[Spot]:
    """Every field, at any depth, that may be null or left out."""
    found: set[Spot] = set()
    if isinstance(kind, type) and (issubclass(kind, BaseModel) or dataclasses.is_dataclass(kind)):
        hints = get_type_hints(kind)
        for name, default in _fields(kind):
            if type(None) in get_args(hints[name]) or default:
                found.add((kind.__name__, name))
            found |= optional(hints[name])
    for inner in get_args(kind):
        found |= optional(inner)
    return found


def filled(value: object) -> Iterator[Spot]:
    """Every field, at any depth, that holds something."""
    if isinstance(value, tuple):
        for each in value:
            yield from filled(each)
    elif isinstance(value, BaseModel) or dataclasses.is_dataclass(value):
        for name, _ in _fields(type(value)):
            held = getattr(value, name)
            if held not in (None, "", ()):
                yield type(value).__name__, name
            yield from filled(held)


def _fields(kind: type[Any]) -> list[tuple[str, bool]]:
    """Names, and whether a default stands behind each."""
    if issubclass(kind, BaseModel):
        return [(name, not field.is_required()) for name, field in kind.model_fields.items()]
    missing = dataclasses.MISSING
    return [
        (field.name, field.default is not missing or field.default_factory is not missing)
        for field in dataclasses.fields(kind)
    ]
