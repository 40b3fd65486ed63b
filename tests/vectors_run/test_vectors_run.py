"""The runner itself: a folder with a broken case is a failure, and says which."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_a_case_that_does_not_come_out_as_it_says_fails_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "vectors"
    shutil.copytree(ROOT / "tests" / "vectors", folder)
    path = next((folder / "marketplaces" / "shopify").glob("01*.json"))
    case = json.loads(path.read_text("utf-8"))
    case["deliveries"][0]["expect"]["ack"]["status"] = 418
    path.write_text(json.dumps(case), "utf-8")

    command = [sys.executable, "-m", "tests.vectors_run", "--dir", str(folder)]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    said = run.stdout.strip().splitlines()
    failed = [line for line in said if line.startswith("  failed: ")]
    assert run.returncode == 1
    assert failed
    assert all("shopify" in line or "test_door_vectors" in line for line in failed)
    assert said[-1].endswith(f" passed, {len(failed)} failed")
