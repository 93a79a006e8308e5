"""The guide to the operators' interface, typed from top to bottom at a running service."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import handbook
import pytest
import running
from homes import PASSWORD
from snippets import BASE_URL
from test_shell import PATIENCE, _compare, _environment

if TYPE_CHECKING:
    from pathlib import Path

PAGE = "docs/operate/admin.md"
SHOWN = "01a21a0d-1055-7efd-86b3-dfd2ca6078d5"
"""Ada's id on the page."""
MARK = "- - 8< - -"


def typed() -> list[tuple[str, list[str]]]:
    """Each command of the page, and the lines that it is shown to answer."""
    told: list[tuple[str, list[str]]] = []
    for fence in handbook.on(PAGE):
        if fence.language == "console":
            for line in fence.text.splitlines():
                if line.startswith("$ "):
                    told.append((line[2:], []))
                else:
                    told[-1][1].append(line)
    return told


@pytest.mark.long
def test_the_guide_does_what_it_says(tmp_path: Path) -> None:
    with running.identra(tmp_path, extra="[admin]\nenabled = true\n") as service:
        file = service.log.with_name("identra.toml")
        words = ("users", "create", "ada@example.com", "--proved", "--password-stdin")
        ada = running.command(file, *words, said=f"{PASSWORD}\n").strip()
        script = "".join(
            f"{{ {command}\n}} 2>&1\nprintf '\\n%s\\n' '{MARK}'\n" for command, _ in typed()
        )
        script = script.replace(BASE_URL, service.url).replace(SHOWN, ada)
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", script],
            cwd=tmp_path,
            env=_environment({"IDENTRA_CONFIG": str(file)}),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    answers = done.stdout.split(f"\n{MARK}\n")[:-1]
    for (command, shown), answer in zip(typed(), answers, strict=True):
        for line, said in zip(shown, answer.splitlines(), strict=False):
            if line.startswith("{"):
                _compare(json.loads(line), json.loads(said), command)
            else:
                assert _without_instants(line) == _without_instants(said), command
        assert len(answer.splitlines()) >= len(shown), command


def _without_instants(line: str) -> str:
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", "then", line)
