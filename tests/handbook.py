"""The pages of the handbook, taken apart: their headings, tables, fences and links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

from standin.receiver import FORMER, SECRET

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
HEADING = re.compile(r"(#{1,6}) (.+)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True)
class Fence:
    """A fenced block: its language, its text, and where it stands."""

    page: str
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def read(page: str) -> str:
    """A page by its path from the root."""
    return (ROOT / page).read_text(encoding="utf-8")


def every(*folders: str) -> list[str]:
    """The pages in these folders, by their paths from the root; without any, all pages."""
    tops = [ROOT / folder for folder in folders] or [ROOT / "docs"]
    found = [page for top in tops for page in top.rglob("*.md")]
    found += [] if folders else list(ROOT.glob("*.md"))
    return sorted(str(page.relative_to(ROOT)) for page in found)


def sections(page: str, level: int) -> dict[str, str]:
    """Each heading of that level, without code marks, and the prose and tables below it."""
    found: dict[str, list[str]] = {}
    here: list[str] = []
    for line in _outside_fences(read(page)):
        heading = HEADING.fullmatch(line)
        if heading and len(heading[1]) <= level:
            here = []
        if heading and len(heading[1]) == level:
            here = found.setdefault(heading[2].replace("`", ""), [])
        here.append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def rows(text: str, first: str) -> list[list[str]]:
    """The rows of every table whose first column has that title."""
    found: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if not cells:
            inside = False
        elif cells[0] == first:
            inside = True
        elif inside and set(cells[0]) != {"-"}:
            found.append(cells)
    return found


def coded(text: str) -> list[str]:
    """What stands in code marks, in its order."""
    return CODE.findall(text)


def fences(*folders: str) -> list[Fence]:
    """Every fenced block of the pages in these folders."""
    return [fence for page in every(*folders) for fence in on(page)]


def is_project(fence: Fence) -> bool:
    """Whether a TOML block is a plugin's pyproject.toml; any other is settings of ours."""
    return fence.text.startswith("# pyproject.toml\n")


def written(fence: Fence, folder: Path) -> Path:
    """A block of settings as a file, each secret file it names made in the folder."""
    (folder / "secret").write_text("a secret of this test\n")
    (folder / "secrets").write_text(f"{SECRET}\n{FORMER}\n")
    moved = re.sub(r'(\w+_file) = "[^"]*"', rf'\1 = "{folder}/secret"', fence.text)
    moved = moved.replace(f'secrets_file = "{folder}/secret"', f'secrets_file = "{folder}/secrets"')
    file = folder / "identra.toml"
    file.write_text(moved)
    return file


def prose(page: str) -> str:
    """A page without its fenced blocks."""
    return "\n".join(_outside_fences(read(page)))


def links(page: str) -> list[str]:
    """Where a page's links lead, as they are written."""
    return [target for line in _outside_fences(read(page)) for target in LINK.findall(line)]


def anchors(page: str) -> set[str]:
    """The anchors of a page's headings, as its readers' renderers make them."""
    titles = [
        match[2] for line in _outside_fences(read(page)) if (match := HEADING.fullmatch(line))
    ]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def on(page: str) -> Iterator[Fence]:
    """The fenced blocks of a page."""
    lines = read(page).splitlines()
    opened: int | None = None
    for number, line in enumerate(lines):
        if not _is_mark(line):
            continue
        if opened is None:
            opened = number
            continue
        text = dedent("\n".join(lines[opened + 1 : number]) + "\n")
        yield Fence(page, opened + 1, lines[opened].strip().removeprefix("```"), text)
        opened = None
    assert opened is None, f"{page}: a fence is not closed"


def _is_mark(line: str) -> bool:
    return line.lstrip(" ").startswith("```")


def _outside_fences(text: str) -> Iterator[str]:
    inside = False
    for line in text.splitlines():
        if _is_mark(line):
            inside = not inside
        elif not inside:
            yield line
