"""The pages' Go parses and is formed as gofmt forms it; where Go is installed, it runs too.

What verifies tokens needs modules, which are not fetched for a test: it is only parsed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import npm
import pytest
import snippets

if TYPE_CHECKING:
    import running
    from snippets import Snippet

HERE = Path(__file__).parent
PAGE = "docs/integrate/go.md"
MODULE = "module example.com/app\n\ngo 1.21\n"
OFFLINE = {"GOPROXY": "off", "GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}


@pytest.mark.parametrize("snippet", snippets.every("go"), ids=str)
def test_it_parses_and_is_formed_by_gofmt(
    snippet: Snippet, node_modules: Path, tmp_path: Path
) -> None:
    shutil.copy(HERE / "javascript/gofmt.mjs", tmp_path)
    formed = npm.run(node_modules, tmp_path, "gofmt.mjs", given=snippet.text)
    assert formed == snippet.text


if shutil.which("go"):  # not a skip: where Go is not installed nobody claims that it ran

    def test_the_flows_run_as_they_stand(
        service: running.Running, strict: running.Running, tmp_path: Path
    ) -> None:
        for running_service, act in ((service, "all"), (strict, "confirm")):
            folder = tmp_path / act
            (folder / "signin").mkdir(parents=True)
            snippets.lay_out(folder / "signin", PAGE, "go", running_service.url)
            (folder / "go.mod").write_text(MODULE)
            shutil.copy(HERE / "go/main.go", folder)
            _go(folder, "vet", "./...")
            _go(folder, "run", ".", running_service.url, act)

    def test_the_program_of_the_readme_prints_a_token(
        service: running.Running, tmp_path: Path
    ) -> None:
        said = {"email": "me@example.com", "password": "correct horse battery"}
        httpx.post(f"{service.url}/password/register", json=said)
        snippets.lay_out(tmp_path, "README.md", "go", service.url)
        (tmp_path / "go.mod").write_text(MODULE)
        _go(tmp_path, "vet", ".")
        assert _go(tmp_path, "run", ".").startswith("eyJ")


def _go(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["go", *arguments],
        cwd=folder, env=os.environ | OFFLINE, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout
