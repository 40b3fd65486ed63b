"""What is in the repository besides code: manifests, the lock, their page, and nothing of anybody's machine."""

from __future__ import annotations

import itertools
import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from tests.architecture.source import ROOT, tracked

# Taken apart here, so that this file does not find itself.
HOSTS = [
    "pypi" + r"\.org", "python" + r"hosted\.org", "npmjs" + r"\.(org|com)", "repo1?" + r"\.maven", "crates" + r"\.io",
    "proxy" + r"\.golang", "deb" + r"\.debian", "index" + "-url", "find" + "-links", "extra-" + "index",
]  # fmt: skip
PLACES = [r"(?<![\w.$}])/(wor" + r"k|roo" + r"t|hom" + r"e/\w+|User" + r"s)/\w"]
MARKS = re.compile("|".join([*HOSTS, *PLACES]))
LOCK = (ROOT / "requirements.lock").read_text()
PINS = {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==([^ ;\\]+)", LOCK, re.MULTILINE)}


def manifests() -> list[str]:
    return [name for name in tracked() if re.fullmatch(r"(services/\w+/)?pyproject\.toml", name)]


def requirements() -> dict[NormalizedName, list[Requirement]]:
    """Every requirement of every manifest, by the package's name."""
    found: dict[NormalizedName, list[Requirement]] = {}
    for name in manifests():
        project = tomllib.loads((ROOT / name).read_text())["project"]
        groups = [project["dependencies"], *project.get("optional-dependencies", {}).values()]
        for line in itertools.chain.from_iterable(groups):
            found.setdefault(canonicalize_name(Requirement(line).name), []).append(Requirement(line))
    return found


def explained() -> dict[NormalizedName, str]:
    """Package → what docs/dependencies.md says about it: lines like `| fastapi | MIT | why … |`."""
    text = (ROOT / "docs/dependencies.md").read_text()
    rows = re.findall(r"^\| ([\w.-]+) \| (.+) \|$", text, re.MULTILINE)
    return {canonicalize_name(name): said for name, said in rows if name != "package"}


def test_each_service_has_a_manifest() -> None:
    assert {name.split("/")[1] for name in manifests() if "/" in name} == {
        "catalog", "orders", "payments", "logistics", "customs", "tower",
    }  # fmt: skip


@pytest.mark.parametrize("package", sorted(requirements()))
def test_each_dependency_is_locked_as_its_manifests_want_and_explained(package: NormalizedName) -> None:
    assert all(PINS[package] in each.specifier for each in requirements()[package])
    assert len(explained()[package].split(" | ")) == 2


def test_no_page_explains_a_dependency_that_is_gone() -> None:
    assert explained().keys() - requirements().keys() == set()


def test_every_pin_carries_hashes() -> None:
    blocks = re.split(r"\n(?=[\w-]+==)", LOCK)

    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert len(blocks) == len(re.findall(r"^[\w.-]+==", LOCK, re.MULTILINE))


def test_no_tracked_file_names_a_machine_or_a_package_registry() -> None:
    found = []
    for name in tracked():
        try:
            text = (ROOT / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{name}: {match.group()}" for match in MARKS.finditer(text)]

    assert found == []
