"""The pages' Python does what the pages say, each file driven by one of ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import snippets

if TYPE_CHECKING:
    import running
    from snippets import Snippet

DRIVERS = Path(__file__).parent / "python"
FLOWS = [it for it in snippets.every("python") if not it.name.startswith(("verify", "grpc"))]


def drive(folder: Path, page: str, driver: str, url: str) -> None:
    """Run a driver beside the files of a page."""
    snippets.lay_out(folder, page, "python", url)
    shutil.copy(DRIVERS / "visitor.py", folder)
    shutil.copy(DRIVERS / driver, folder / "drive.py")
    command = [sys.executable, "-W", "error", "drive.py", url]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("snippet", FLOWS, ids=str)
def test_it_runs_as_it_stands(snippet: Snippet, service: running.Running, tmp_path: Path) -> None:
    drive(tmp_path, snippet.page, snippet.name, service.url)


def test_a_registration_is_confirmed_with_the_mailed_code(
    strict: running.Running, tmp_path: Path
) -> None:
    drive(tmp_path, "docs/integrate/python.md", "confirm.py", strict.url)
