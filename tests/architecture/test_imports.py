"""Who may import what: what import-linter cannot say, and the proof that its contracts (pyproject.toml) hold."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, imports, module_name, product, within

FRAMEWORKS = (
    "aiokafka", "alembic", "asyncpg", "fastapi", "httpx", "opentelemetry", "requests", "sqlalchemy", "starlette",
    "structlog", "uvicorn",
)  # fmt: skip
DOORS = ("asyncio", "http.client", "multiprocessing", "smtplib", "socket", "ssl", "subprocess", "urllib.request")
MECHANICS = (
    "shared.db", "shared.http.app", "shared.http.client", "shared.logs", "shared.security.auth",
    "shared.service", "shared.settings", "shared.telemetry", "shared.broker.embedded", "shared.broker.kafka", *(
        f"shared.flow.{name}" for name in
        ("apply", "consume", "deadletter", "intake", "lanes", "relay", "runner", "sql", "tables", "work")
    ),
)  # fmt: skip
# Only these files of a service touch the machinery, each with its own word (store.py, store_people.py …).
OUTWARD = {"__main__", "api", "app", "calls", "client", "pages", "settings", "store", "tables", "webhooks"}
LAYERS = (("app", "__main__"), ("api", "webhooks", "calls", "pages"), ("store", "providers"), ("tables",), ("process",))


def word(name: str) -> str:
    """The part of a service's file that says what it is: `services/orders/store_people.py` is a store."""
    stem = Path(name).stem
    return stem if stem.startswith("__") else stem.split("_")[0]


def pure() -> list[str]:
    return [name for name in product() if name.startswith("services/") and word(name) not in OUTWARD]


def layer(part: str) -> int:
    """Its height; everything without a name in the list is a domain module, at the bottom."""
    for height, parts in enumerate(LAYERS):
        if part in parts:
            return len(LAYERS) - height
    return 0


def upwards(name: str) -> set[str]:
    """The imports of one file that climb inside its own service."""
    service, part = name.split("/")[1], name.split("/")[2]
    here = layer("providers" if part == "providers" else word(name))
    own = {module for module in imports(name) if within(module, f"services.{service}") and module.count(".") >= 2}
    return {module for module in own if layer(module.split(".")[2].split("_")[0]) > here}


def test_domain_modules_import_no_framework_and_do_no_io() -> None:
    wrong = {
        name: sorted(module for module in imports(name) if within(module, *FRAMEWORKS, *DOORS, *MECHANICS))
        for name in pure()
    }

    assert {name: modules for name, modules in wrong.items() if modules} == {}


def test_inside_a_service_only_downwards() -> None:
    climbs = {
        name: sorted(upwards(name))
        for name in product()
        if name.startswith("services/") and name.count("/") >= 2 and word(name) != "settings"
    }

    assert {name: modules for name, modules in climbs.items() if modules} == {}


def test_values_and_contracts_in_shared_import_no_machinery() -> None:
    values = ("shared.money", "shared.ids", "shared.errors", "shared.clock", "shared.events", "shared.flow.decision")
    wrong = {
        name: sorted(module for module in imports(name) if within(module, *FRAMEWORKS, *DOORS, *MECHANICS))
        for name in product()
        if within(module_name(name), *values)
    }

    assert {name: modules for name, modules in wrong.items() if modules} == {}


PLANTED = {
    "Services never import each other": ("services/orders/app.py", "import services.catalog.stock"),
    "shared imports no service and no launcher": ("shared/clock.py", "import services.catalog.stock"),
    "Services do not know how they are launched": ("services/catalog/app.py", "import deploy.local"),
    "The partners' world shares no code with us": ("deploy/world/books.py", "import shared.money"),
    "Decisions, wire formats and status tables reach no framework, by whatever way": (
        "services/orders/providers/shopify/wire.py",
        "import shared.flow",  # which imports sqlalchemy
    ),
    "lxml and signxml only where customs documents are made": ("services/orders/store.py", "import lxml.etree"),
    "Inside a service only downwards": ("services/catalog/process.py", "import services.catalog.store"),
}
TREE = {
    "services/catalog/stock.py": "",
    "services/catalog/store.py": "",
    "services/customs/ceb.py": "import lxml.etree, signxml",
    "services/orders/calls.py": "",
    "shared/flow.py": "import sqlalchemy",
    "shared/money.py": "",
    "deploy/local.py": "import services.catalog.app",
    "deploy/world/books.py": "import fastapi, lxml",
    **{file: "" for file, _ in PLANTED.values()},
    "services/orders/process.py": "import shared.money",
}


def broken_contracts(root: Path) -> set[str]:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()", "--no-cache"]
    said = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, timeout=120).stdout
    assert "Contracts:" in said, said
    return set(re.findall(r"^(.+) BROKEN(?: \(.*)?$", said, re.MULTILINE))


def planted(root: Path, extra: dict[str, str]) -> Path:
    for file, text in {**TREE, **extra}.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text + "\n")
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def test_the_contracts_let_a_good_tree_pass(tmp_path: Path) -> None:
    assert broken_contracts(planted(tmp_path, {})) == set()


@pytest.mark.parametrize("contract", PLANTED)
def test_each_contract_breaks_on_a_planted_import(tmp_path: Path, contract: str) -> None:
    file, text = PLANTED[contract]

    assert broken_contracts(planted(tmp_path, {file: text})) == {contract}
