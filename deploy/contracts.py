"""`python -m deploy.contracts`: the contracts as documents, docs/asyncapi.json and docs/openapi/<service>.json.

Rendered from the classes and routes that the services run with, on an installation that exists only for that; nothing
is started and no database is asked. `--check` writes nothing and says what differs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from deploy.local.installation import SERVICES, Installation
from deploy.world.keys import make_keys
from shared.broker.embedded import EmbeddedBroker
from shared.db.engine import Database
from shared.events.asyncapi import document
from shared.http.app import new_app
from shared.security.auth import development_tokens

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
NOWHERE: Final = "postgresql://nobody@localhost/nothing"


def openapi(folder: Path) -> dict[str, Any]:
    """Service → its OpenAPI 3.1 document; `folder` gets keys that nobody will use."""
    secrets = folder / "secrets"
    make_keys(secrets)
    installation = Installation(folder, dict.fromkeys([*SERVICES, "broker"], NOWHERE), development_tokens(secrets))
    return {name: _of(installation, name) for name in SERVICES}


def _of(installation: Installation, name: str) -> dict[str, Any]:
    app = new_app(f"Corridor {name}")
    app.services = (name,)
    app.include_router(installation.build(name, EmbeddedBroker(Database(NOWHERE, name))).router)
    return app.openapi()


def rendered() -> dict[Path, str]:
    """Every document by where it belongs."""
    with tempfile.TemporaryDirectory() as folder:
        found = {DOCS / "openapi" / f"{name}.json": told for name, told in openapi(Path(folder)).items()}
    return {path: _text(told) for path, told in ({DOCS / "asyncapi.json": document()} | found).items()}


def stale(documents: dict[Path, str]) -> list[str]:
    """Files that say something else, are missing, or belong to nobody any more."""
    differing = [path for path, text in documents.items() if not path.exists() or path.read_text("utf-8") != text]
    left = set((DOCS / "openapi").glob("*.json")) - documents.keys()
    return sorted(str(path.relative_to(DOCS.parent)) for path in {*differing, *left})


def _text(told: dict[str, Any]) -> str:
    return json.dumps(told, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.contracts")
    parser.add_argument("--check", action="store_true", help="write nothing, fail where something differs")
    documents = rendered()
    if parser.parse_args().check:
        if old := stale(documents):
            sys.exit(f"corridor: not what the code says any more: {', '.join(old)}; run make contracts")
        return
    for path, text in documents.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(f"corridor: {path.relative_to(DOCS.parent)}")


if __name__ == "__main__":
    main()
