"""The code on the pages, as it stands there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
BASE_URL = "http://localhost:8080"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAME = re.compile(r"(?://|#) (\w+\.\w+)\n")


@dataclass(frozen=True)
class Snippet:
    """A block of code; `page` is relative to the checkout, `line` where the block begins."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def name(self) -> str:
        """The file it says to be in its first line."""
        found = NAME.match(self.text)
        assert found, f"{self}: the first line names no file"
        return found[1]

    def at(self, url: str) -> str:
        """The text, calling the service at `url`: nothing else is changed."""
        return self.text.replace(BASE_URL, url)


def pages() -> list[str]:
    """The pages whose code is run."""
    below = sorted((ROOT / "docs/integrate").glob("*.md"))
    return ["README.md", *(str(page.relative_to(ROOT)) for page in below)]


def on_page(page: str, *languages: str) -> list[Snippet]:
    """The blocks of a page in these languages, in their order."""
    return [snippet for snippet in _read(page) if snippet.language in languages]


def every(language: str) -> list[Snippet]:
    """The blocks of all pages in a language."""
    return [snippet for page in pages() for snippet in on_page(page, language)]


def lay_out(folder: Path, page: str, language: str, url: str) -> None:
    """Write a page's blocks as the files they say to be: one may import the other."""
    for snippet in on_page(page, language):
        (folder / snippet.name).write_text(snippet.at(url), encoding="utf-8")


def _read(page: str) -> Iterator[Snippet]:
    text = (ROOT / page).read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        yield Snippet(page, text.count("\n", 0, found.start()) + 1, found[1], found[2])
