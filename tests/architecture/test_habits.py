"""House laws about single lines of code."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture import source
from tests.architecture.source import Function, functions, parsed, product

# Where a broad except is the point: the fold that must outlive one bad item, the loops, and the edge that must answer.
CATCHERS = {f"shared/flow/{name}.py" for name in ("fold", "intake", "runner", "work")} | {"shared/http/app.py"}
# An id carries the real time of its making, for partitioning only; no business rule reads it.
READERS = {"shared/clock.py", "shared/ids.py"}
SKIPPERS = {"tests/support/kafka.py", "tests/support/browser.py"}
CLOCKS = {
    "date.today", "datetime.datetime.now", "datetime.now", "datetime.today", "datetime.utcnow", "time.time",
    "time.time_ns",
}  # fmt: skip


def calls(name: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(parsed(name)):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)


def broad(handler: ast.ExceptHandler) -> bool:
    caught = "" if handler.type is None else ast.unparse(handler.type)
    return not caught or any(kind in caught for kind in ("Exception)", "BaseException")) or caught == "Exception"


def passes_on(handler: ast.ExceptHandler) -> bool:
    """What does not know the error raises it on, as it is."""
    return any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


def test_a_broad_except_stands_only_in_the_loops_and_at_the_edge() -> None:
    found = [
        f"{name}:{node.lineno}"
        for name in product()
        if name not in CATCHERS
        for node in ast.walk(parsed(name))
        if isinstance(node, ast.ExceptHandler) and broad(node) and not passes_on(node)
    ]

    assert found == []


def test_time_is_read_in_one_place() -> None:
    found = [
        f"{name}:{line} {call}"
        for name in product()
        if name not in READERS and not name.startswith("deploy/world/")
        for line, call in calls(name)
        if call in CLOCKS
    ]

    assert found == []


def hollow(function: Function) -> bool:
    """A body of nothing but `pass` or `...` after the docstring."""
    body = [each for each in function.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    return all(isinstance(each, ast.Pass) for each in body) and not _said_enough(function)


def _said_enough(function: Function) -> bool:
    return any(ast.unparse(each).split(".")[-1] in {"abstractmethod", "overload"} for each in function.decorator_list)


def _protocol_methods(name: str) -> set[int]:
    return {
        method.lineno
        for node in ast.walk(parsed(name))
        if isinstance(node, ast.ClassDef) and any("Protocol" in ast.unparse(base) for base in node.bases)
        for method in node.body
        if isinstance(method, Function)
    }


def test_nothing_is_a_stub() -> None:
    found = [
        f"{name}:{each.lineno} {each.name}"
        for name in product()
        for each in functions(name)
        if hollow(each) and each.lineno not in _protocol_methods(name)
    ]
    unwritten = [name for name in product() if "NotImplementedError" in ast.dump(parsed(name))]

    assert found == []
    assert unwritten == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    words = {"skip", "skipif", "xfail", "importorskip"}
    found = [
        f"{name}:{node.lineno}"
        for name in source.tests()
        if name not in SKIPPERS
        for node in ast.walk(parsed(name))
        if isinstance(node, ast.Attribute) and node.attr in words and ast.unparse(node).startswith("pytest.")
    ]

    assert found == []
