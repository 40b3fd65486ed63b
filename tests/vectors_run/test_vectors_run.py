"""The runner itself: it counts cases, says which one failed, and no folder makes it pass for nothing."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vectors_run.families import FAMILIES, WHOLE

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "tests" / "vectors"
SHOPIFY = "marketplaces/shopify"


def run(folder: Path, *more: str) -> tuple[int, list[str]]:
    """Exit code, and what was printed, blanks collapsed."""
    command = [sys.executable, "-m", "tests.vectors_run", "--dir", str(folder), *more]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, [" ".join(line.split()) for line in done.stdout.splitlines()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Nothing but one family, two cases and an explanation."""
    target = tmp_path / "vectors"
    for name in ("01_paid.json", "02_duplicate.json"):
        (target / SHOPIFY).mkdir(parents=True, exist_ok=True)
        shutil.copy(VECTORS / SHOPIFY / name, target / SHOPIFY / name)
    (target / "README.md").write_text("what the folder is")
    return target


def edit(path: Path, change: Callable[[Any], object]) -> None:
    case = json.loads(path.read_text("utf-8"))
    change(case)
    path.write_text(json.dumps(case), "utf-8")


def test_whatever_cases_a_folder_holds_are_run_and_other_families_are_not_missed(folder: Path) -> None:
    code, said = run(folder, "--pure")

    assert said == ["family cases passed failed", f"{SHOPIFY} 2 2 0", "2 passed, 0 failed"]
    assert code == 0


def test_a_case_that_does_not_come_out_as_it_says_fails_the_run(folder: Path) -> None:
    path = folder / SHOPIFY / "01_paid.json"
    edit(path, lambda case: case["deliveries"][0]["expect"]["ack"].update(status=418))

    code, said = run(folder, "--pure")

    _, counted, failed, total = said
    assert (code, counted, total) == (1, f"{SHOPIFY} 2 1 1", "1 passed, 1 failed")
    assert failed.startswith(f"failed: {SHOPIFY} {json.loads(path.read_text('utf-8'))['id']}: call of test_every_case")


def test_a_case_that_fails_only_at_the_door_is_a_failure(folder: Path) -> None:
    """The pure modules do not know the body of the answer; the door does."""
    edit(folder / SHOPIFY / "01_paid.json", lambda case: case["deliveries"][0]["expect"]["ack"].update(body="teapot"))

    assert run(folder, "--pure")[0] == 0
    code, said = run(folder)

    assert (code, said[1], said[-1]) == (1, f"{SHOPIFY} 2 1 1", "1 passed, 1 failed")


def test_a_file_that_nobody_can_read_fails_what_it_held_and_not_the_other_families(folder: Path) -> None:
    (folder / "corridor").mkdir()
    (folder / "corridor" / "ledger.json").write_text('{"cases": [')
    (folder / "customs" / "tax").mkdir(parents=True)
    shutil.copy(VECTORS / "customs/tax/examples.json", folder / "customs/tax/examples.json")

    code, said = run(folder, "--pure")

    assert code == 1
    assert said[1:3] == [f"{SHOPIFY} 2 2 0", "corridor/ledger 1 0 1"]
    assert said[3].startswith("customs/tax ")
    assert said[4].startswith("failed: corridor/ledger ledger: json.decoder.JSONDecodeError")


def test_what_nobody_judges_yet_is_told_and_counts_for_nothing(folder: Path) -> None:
    def poll(case: Any) -> None:
        case["id"] = "polled"
        for delivery in case["deliveries"]:
            delivery["transport"] = "poll"

    edit(folder / SHOPIFY / "02_duplicate.json", poll)
    (folder / "marketplaces" / "bazaar").mkdir()
    (folder / "payments").mkdir()
    (folder / "payments" / "shells.json").write_text("{}")

    code, said = run(folder, "--pure")

    assert said[1:] == [
        f"{SHOPIFY} 2 1 0",
        f"not covered yet: {SHOPIFY} polled",
        "not covered yet: marketplaces/bazaar, payments/shells",
        "1 passed, 0 failed",
    ]
    assert code == 0


@pytest.mark.parametrize("made", [True, False])
def test_a_folder_without_cases_does_not_pass(tmp_path: Path, made: bool) -> None:
    code, said = run(tmp_path if made else tmp_path / "nowhere")

    assert (code, said[-1]) == (1, "0 passed, 0 failed")


def test_the_judges_that_the_families_name_exist() -> None:
    named = {test for family in FAMILIES for test in (*family.tests, *family.doors)}
    trees = {suite: ast.parse((ROOT / suite).read_text("utf-8")) for suite in {test.split("::")[0] for test in named}}
    standing = {
        f"{suite}::{node.name}"
        for suite, tree in trees.items()
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }

    assert named - standing == set()
    assert named > WHOLE.keys()
