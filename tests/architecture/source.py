"""The product's own source as syntax trees, for the laws that no linter knows."""

from __future__ import annotations

import ast
import functools
import io
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SILENT = {
    tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER,
}  # fmt: skip
Function = ast.FunctionDef | ast.AsyncFunctionDef


@functools.cache
def tracked() -> tuple[str, ...]:
    """Every file that is, or is about to be, in the repository; as paths from the root."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return tuple(sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).is_file()))


@functools.cache
def product() -> tuple[str, ...]:
    """Python of services/, shared/ and deploy/; migrations are a record of the past, not code that is kept small."""
    return tuple(
        name
        for name in tracked()
        if name.endswith(".py") and name.startswith(("services/", "shared/", "deploy/")) and "/migrations/" not in name
    )


@functools.cache
def tests() -> tuple[str, ...]:
    return tuple(name for name in tracked() if name.endswith(".py") and name.startswith("tests/"))


@functools.cache
def parsed(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"), filename=name)


def line_count(name: str) -> int:
    return (ROOT / name).read_text(encoding="utf-8").count("\n")


def functions(name: str) -> Iterator[Function]:
    for node in ast.walk(parsed(name)):
        if isinstance(node, Function):
            yield node


def size(function: Function) -> int:
    """Lines from `def` to the last one, without the docstring: saying more about a function does not make it longer."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is not None:
        said = function.body[0]
        lines -= (said.end_lineno or said.lineno) - said.lineno + 1
    return lines


def module_name(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def imports(name: str) -> set[str]:
    """Modules that a file names in its imports; `from a import b` counts as both a and a.b (b may be a module)."""
    found: set[str] = set()
    for node in ast.walk(parsed(name)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module_name(name).split(".")[: -node.level]
                base = ".".join([*parts, base] if base else parts)
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def within(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def code_lines(name: str) -> int:
    """Lines that say something: without blanks, comments, docstrings and imports at the top level."""
    tree, said = parsed(name), set[int]()
    for token in tokenize.generate_tokens(io.StringIO((ROOT / name).read_text(encoding="utf-8")).readline):
        if token.type not in SILENT:
            said |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | Function) and ast.get_docstring(node) is not None:
            said -= _span(node.body[0])
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            said -= _span(node)
    return len(said)


def _span(node: ast.stmt) -> set[int]:
    return set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
