"""docker-compose.yml as data, with its variables filled in the way Compose does it."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from shared.db.migrate import ROOT
from shared.settings import Settings

FILE: Final = ROOT / "docker-compose.yml"
OURS: Final = ("catalog", "orders", "payments", "logistics", "customs", "tower")
_VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+):-(?P<default>[^}]*)\}")


def compose() -> dict[str, Any]:
    """Every variable by its default: what runs where nobody set any."""
    text = _VARIABLE.sub(lambda found: found["default"], FILE.read_text("utf-8"))
    assert "${" not in text, "a variable without a default would be empty without a word"
    told: dict[str, Any] = yaml.safe_load(text)
    return told


def services() -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = compose()["services"]
    return told


def environment(name: str) -> dict[str, str]:
    return {key: str(value) for key, value in services()[name].get("environment", {}).items()}


def settings_of(name: str) -> type[Settings]:
    module = importlib.import_module(f"services.{name}.settings")
    found: type[Settings] = getattr(module, f"{name.capitalize()}Settings")
    return found


def variables(kind: type[Any]) -> Mapping[str, Any]:
    """Environment variable → field, of a class of settings."""
    return {f"CORRIDOR_{field.upper()}": info for field, info in kind.model_fields.items()}


def ports(name: str) -> dict[int, int]:
    """Of the machine → of the container."""
    pairs = (entry.split(":") for entry in services()[name].get("ports", ()))
    return {int(outside): int(inside) for outside, inside in pairs}


def postgres_settings() -> dict[str, str]:
    """deploy/postgres/corridor.conf, names and values."""
    lines = (ROOT / "deploy" / "postgres" / "corridor.conf").read_text("utf-8").splitlines()
    pairs = (line.split("#")[0].partition("=") for line in lines if line.split("#")[0].strip())
    return {name.strip(): value.strip().strip("'") for name, _, value in pairs}
