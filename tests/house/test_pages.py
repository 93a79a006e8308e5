"""No code on the pages for newcomers is left unread."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import snippets

from identra.settings import load

if TYPE_CHECKING:
    from pathlib import Path

ROOT = snippets.ROOT
RUN = {"sh", "json", "js", "python", "go", "toml"}
"""Languages whose blocks are run, compared or loaded: tests/pages, and below."""


def test_every_block_is_in_a_language_that_is_run() -> None:
    for page in snippets.pages():
        fences = re.findall(r"^```.*$", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE)
        opened = fences[::2]
        assert set(fences[1::2]) <= {"```"}, page
        assert {fence.removeprefix("```") for fence in opened} <= RUN, page
        assert len(opened) == len(snippets.on_page(page, *RUN)), page


@pytest.mark.parametrize("snippet", snippets.every("toml"), ids=str)
def test_every_piece_of_settings_loads(snippet: snippets.Snippet, tmp_path: Path) -> None:
    for name in re.findall(r'"/etc/identra/([^"]+)"', snippet.text):
        (tmp_path / name).write_text("a secret of this test\n")
    file = tmp_path / "identra.toml"
    file.write_text(snippet.text.replace("/etc/identra", str(tmp_path)))
    assert load(file, {}).warnings == ()


def test_the_first_line_says_what_it_is_and_the_first_screen_gets_a_token() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert lines[2].startswith("Identra is ")
    screen = "\n".join(lines[:40])
    for needed in ("make run", "pip install .", "identra serve --dev", "/password/register"):
        assert needed in screen
