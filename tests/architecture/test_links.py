"""What the pages say of the repository is so: links, named files and folders, commands, facts, and one order's way."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import pytest

from shared.events.base import REGISTRY
from shared.events.topics import TOPICS
from tests.architecture.source import ROOT, tracked

LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"^```.*?^```$|`([^`\n]+)`", re.DOTALL | re.MULTILINE)
SOURCE = re.compile(r"[\w.*<>…/-]+\.(py|md|toml|sh|ya?ml|css|js|html)")
FOLDER = re.compile(r"((services|shared|deploy|docs|tests)/|\.\.?/)[\w.*<>…/-]+")
COMMAND = re.compile(r"(?<!\S)(\S*python3?) -m (pytest|deploy|services|tests|shared)\b")
FACT = re.compile(r"(orders|catalog|payments|logistics|customs)\.[a-z-]+\.[a-z-]+")
STEP = re.compile(r"^\| (\d+) \| `([^`]+)`(?: \(or `[^`]+`\))?(?: `(\w+)`)? \|", re.MULTILINE)
ONE_ORDER = "docs/mechanisms/one-order.md"


def pages() -> list[str]:
    return [name for name in tracked() if name.endswith(".md")]


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@functools.cache
def places() -> frozenset[str]:
    """Every file of the repository and every folder that holds one."""
    return frozenset({*tracked(), *(str(folder) for name in tracked() for folder in PurePosixPath(name).parents)})


def found(folder: str, name: str) -> list[str]:
    """What is meant by a name that is read from this folder; `*`, `…` and `<name>` stand for anything, and a module may
    be named without its `.py`."""
    pattern = posixpath.normpath(posixpath.join(folder, re.sub(r"<\w+>|…", "*", name)))
    if pattern in places():
        return [pattern]
    return [place for place in places() if fnmatchcase(place, pattern) or fnmatchcase(place, f"{pattern}.py")]


def spelt_out(word: str) -> Iterator[str]:
    """`a/{b,c}` as `a/b` and `a/c`."""
    head, brace, tail = word.partition("{")
    inner, closed, rest = tail.partition("}")
    if not brace or not closed:
        yield word
        return
    for each in inner.split(","):
        yield from spelt_out(head + each + rest)


def words(text: str) -> Iterator[str]:
    """The words that are set as code, in a line or in a block."""
    for match in CODE.finditer(text):
        for word in re.split(r"[\s`\"'()=]+", match.group()):
            yield from spelt_out(word.strip(".,;:").rstrip("/") if not word.startswith("..") else word.rstrip("/"))


def gone(page: str, text: str) -> list[str]:
    """Names of files and folders that are nowhere.

    A name is read from the page's own folder, from the root, or from a folder that the page names (itself, or by a file
    in it); a bare file name also from anywhere below the page's own folder.
    """
    named = {word for word in words(text) if SOURCE.fullmatch(word) or FOLDER.fullmatch(word)}
    here = posixpath.dirname(page)
    certain = {place for name in named for folder in (here, "") for place in found(folder, name)}
    folders = {here, "", *certain, *map(posixpath.dirname, certain)}
    below = {posixpath.basename(name) for name in tracked() if here and name.startswith(f"{here}/")}
    return sorted(
        name for name in named if name not in below and not any(found(folder, name) for folder in sorted(folders))
    )


@pytest.mark.parametrize("page", pages())
def test_every_relative_link_leads_to_a_file_of_the_repository(page: str) -> None:
    targets = [link.partition("#")[0] for link in LINK.findall(text_of(page)) if "://" not in link]

    assert [target for target in targets if target and not found(posixpath.dirname(page), target)] == []


@pytest.mark.parametrize("page", pages())
def test_every_file_and_folder_that_a_page_names_is_there(page: str) -> None:
    assert gone(page, text_of(page)) == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`../../nowhere.md`", ["../../nowhere.md"]),
        ("`nowhere.py`", ["nowhere.py"]),
        ("```sh\npython tests/nowhere\n```", ["tests/nowhere"]),
        ("`services/{catalog,nowhere}`", ["services/nowhere"]),
        ("`services/<name>/process.py`, `stock.py`, `shop.*`, `test_api.py` of `tests/catalog`", []),
        ("`guards.py`", ["guards.py"]),
        ("`guards.py`, beside `services/orders/closing.py`", []),
    ],
)
def test_a_name_of_nothing_is_found_and_a_name_of_something_is_not(text: str, missing: list[str]) -> None:
    assert gone("services/catalog/README.md", text) == missing


@pytest.mark.parametrize("page", [name for name in pages() if name.endswith("README.md")])
def test_a_command_of_ours_runs_with_the_interpreter_that_has_our_packages(page: str) -> None:
    interpreters = {python for python, _ in COMMAND.findall(text_of(page).replace("`", " "))}

    assert interpreters <= {".venv/bin/python"}


@pytest.mark.parametrize("page", pages())
def test_every_target_of_make_that_a_page_names_is_in_the_makefile(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", text_of("Makefile"), re.MULTILINE))
    code = "\n".join(re.sub(r"# .*", "", match.group()) for match in CODE.finditer(text_of(page)))

    assert set(re.findall(r"(?:^|`|\s)make ([a-z]+)", code)) <= targets


@pytest.mark.parametrize("page", pages())
def test_every_fact_that_a_page_names_is_spoken(page: str) -> None:
    named = {word for word in words(text_of(page)) if FACT.fullmatch(word)}

    assert named - REGISTRY.keys() - {topic.name for topic in TOPICS} == set()


def test_one_order_is_followed_through_at_most_fifteen_files_and_five_of_a_service() -> None:
    """The page's rows are the count, and what a row names is defined in the file that it names."""
    steps = STEP.findall(text_of(ONE_ORDER))
    services = [path.split("/")[1] for _, path, _ in steps if path.startswith("services/")]

    assert [int(number) for number, *_ in steps] == list(range(1, len(steps) + 1))
    assert len({path for _, path, _ in steps}) == len(steps) <= 15
    assert {name: services.count(name) for name in set(services)} == {"orders": 5, "catalog": 2}
    for _, path, symbol in steps:
        assert re.search(rf"^(class|def|async def) {symbol}\b", text_of(path), re.MULTILINE), (path, symbol)
