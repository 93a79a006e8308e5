"""The code stays small enough to be read, and says nothing of where it was written."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
MODULES = [path for top in ("identra", "plugins") for path in sorted((ROOT / top).rglob("*.py"))]
MOST_LINES = 300
MOST_STATEMENT_LINES = 30
MACHINE = re.compile(r"(?<![\w.~:/*-])/(?:work|root|home/\w+)(?=[/\s\"'`,)\]]|$)")
REGISTRY = re.compile(r"\w+://[^\s\"')>]*(?:pypi|npmjs|pythonhosted|registry\.|proxy\.golang)")
UNTRACKED = {"node_modules", "build", "dist", "data", "__pycache__"}


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MODULES, ids=named)
def test_a_module_is_read_at_one_sitting(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    for name, lines in _functions(ast.parse(text)):
        assert lines <= MOST_STATEMENT_LINES, f"{name} has {lines} lines"


def test_a_provider_of_ours_is_as_short_as_a_stranger_s() -> None:
    """Half of them under 40 lines, none over 90: a place is named in a few, or it is core."""
    modules = [path for path in MODULES if path.parts[-3] == "plugins"]
    lines = [
        len(path.read_text(encoding="utf-8").splitlines())
        for path in modules
        if path.name == "__init__.py"
    ]
    assert len(lines) > 10
    assert median(lines) < 40
    assert max(lines) <= 90


def _functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every function and the lines of what it does: signature and docstring are for reading."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            told = ast.get_docstring(node) is not None and len(node.body) > 1
            first = node.body[1] if told else node.body[0]
            yield node.name, (node.end_lineno or 0) - first.lineno + 1


def test_no_file_names_a_machine_or_a_registry() -> None:
    for path in _files():
        text = path.read_bytes().decode("utf-8", "replace")
        for found in (*MACHINE.finditer(text), *REGISTRY.finditer(text)):
            line = text.count("\n", 0, found.start()) + 1
            pytest.fail(f"{named(path)}:{line}: {found[0]}")


def _files() -> list[Path]:
    """What is committed; without git, everything but what is made."""
    if (ROOT / ".git").exists():
        told = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True
        )
        paths = [ROOT / name for name in told.stdout.split("\0") if name]
        return [path for path in paths if path.is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and not _is_made(path)]


def _is_made(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return any(part in UNTRACKED or part.startswith(".") for part in parts[:-1])
