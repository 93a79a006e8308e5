"""The pages' JavaScript does what the pages say, in Node, each file driven by one of ours."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import npm
import pytest
import snippets

if TYPE_CHECKING:
    import running
    from snippets import Snippet

DRIVERS = Path(__file__).parent / "javascript"
FLOWS = [it for it in snippets.every("js") if not it.name.startswith(("verify", "grpc"))]


def drive(modules: Path, folder: Path, page: str, driver: str, url: str) -> None:
    """Run a driver beside the files of a page."""
    snippets.lay_out(folder, page, "js", url)
    shutil.copy(DRIVERS / "browser.mjs", folder)
    shutil.copy(DRIVERS / driver, folder / "drive.mjs")
    npm.run(modules, folder, "drive.mjs", url)


@pytest.mark.parametrize("snippet", FLOWS, ids=str)
def test_it_runs_as_it_stands(
    snippet: Snippet, service: running.Running, node_modules: Path, tmp_path: Path
) -> None:
    driver = f"{snippet.name.removesuffix('.js')}.mjs"
    drive(node_modules, tmp_path, snippet.page, driver, service.url)


def test_a_registration_is_confirmed_with_the_mailed_code(
    strict: running.Running, node_modules: Path, tmp_path: Path
) -> None:
    drive(node_modules, tmp_path, "docs/integrate/javascript.md", "confirm.mjs", strict.url)


def test_identras_own_page_for_mailed_links_shows_the_code_when_asked_to(
    service: running.Running, node_modules: Path, tmp_path: Path
) -> None:
    shutil.copy(DRIVERS / "landing.mjs", tmp_path)
    npm.run(node_modules, tmp_path, "landing.mjs", service.url)
