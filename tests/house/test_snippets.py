"""What the pages for operators, plugin authors and readers of the reference show, works."""

from __future__ import annotations

import configparser
import io
import json
import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import click
import handbook
import pytest
import scribe
import yaml
from homes import PASSWORD
from running import PATIENCE

from identra import loader
from identra.cli import command as root
from identra.cli import run
from identra.errors import every_error
from identra.http.models import Failure, TokenPair
from identra.settings import load
from identra.settings.sections import Metrics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from handbook import Fence

FOLDERS = ("docs/operate", "docs/extend", "docs/reference")
LANGUAGES = {
    "console",
    "ini",
    "jinja",
    "json",
    "jsonl",
    "nginx",
    "python",
    "sh",
    "sql",
    "toml",
    "yaml",
}
FENCES = handbook.fences(*FOLDERS)
SCRIPTS = sorted({fence.page for fence in FENCES if fence.language == "sh"})


def of(language: str) -> list[Any]:
    return [pytest.param(one, id=one.name) for one in FENCES if one.language == language]


def test_every_fence_says_what_it_is_so_that_it_is_tried() -> None:
    assert {fence.language for fence in FENCES} <= LANGUAGES


@pytest.mark.parametrize(
    "fence", [one for one in of("toml") if not handbook.is_project(one.values[0])]
)
def test_settings_are_accepted(fence: Fence, tmp_path: Path) -> None:
    loaded = load(handbook.written(fence, tmp_path), {})
    assert loaded.warnings == ()
    if not loaded.tree.plugins.enabled:
        loader.load((), loaded.tree.providers)


@pytest.mark.parametrize("fence", of("json"))
def test_json_is_what_the_service_answers(fence: Fence) -> None:
    said = json.loads(fence.text)
    if "reason" in said and "code" in said:
        failure = Failure.model_validate(said)
        known = next(error for error in every_error() if error.reason == failure.reason)
        assert (failure.code, failure.message) == (known.code, known.says)
    elif "access_token" in said:
        TokenPair.model_validate(said)
    else:
        assert "event" in said, "a line of the log, or a shape that this test knows"


@pytest.mark.parametrize(
    "fence", [it for it in of("yaml") if "scrape_configs" in it.values[0].text]
)
def test_a_scrape_asks_where_metrics_are_by_default(fence: Fence) -> None:
    (job,) = yaml.safe_load(fence.text)["scrape_configs"]
    said = Metrics()
    assert job["static_configs"] == [{"targets": [f"{said.host}:{said.port}"]}]
    assert 'job="identra"' in handbook.read(fence.page)
    assert job["job_name"] == "identra"


@pytest.mark.parametrize(
    "fence", [it for it in of("yaml") if "scrape_configs" not in it.values[0].text]
)
def test_a_variable_of_a_role_that_is_shown_is_there(fence: Fence) -> None:
    taken: set[str] = set()
    for file in (handbook.ROOT / "ansible/roles").glob("*/meta/argument_specs.yml"):
        taken |= set(yaml.safe_load(file.read_text())["argument_specs"]["main"]["options"])
    assert set(yaml.safe_load(fence.text)) <= taken


def commands() -> Iterator[Any]:
    """Every call of `identra` that a page shows, run or not."""
    for fence in FENCES:
        for line in fence.text.splitlines():
            found = re.search(r"(?:^|[ /=|])identra ((?:[a-z][a-z-]*|--help|--version)\b.*)", line)
            if found and fence.language in {"console", "ini", "sh"} and "useradd" not in line:
                told = found[1].partition(" > ")[0]  # where it is written to is the shell's affair
                yield pytest.param(shlex.split(told, comments=True), id=f"{fence.name} {found[1]}")


@pytest.mark.parametrize("words", list(commands()))
def test_a_command_that_is_shown_exists_with_its_options(words: list[str]) -> None:
    here: click.Command = root
    while isinstance(here, click.Group):
        name, *words = words
        found = here.get_command(click.Context(here), name)
        assert found, name
        here = found
    here.make_context(here.name, words)


@pytest.mark.parametrize("fence", of("jinja"))
def test_a_letter_that_is_shown_can_be_written(fence: Fence, tmp_path: Path) -> None:
    (name,) = re.findall(r"This is a `(.+?)`:\n", handbook.read(fence.page))
    (tmp_path / name).write_text(fence.text)
    (subject, *_) = scribe.letter("code", "de", link=True, templates=tmp_path).subject.split(" für")
    assert fence.text.startswith(f"Subject: {subject}")


@pytest.mark.parametrize("fence", of("ini"))
def test_a_unit_can_be_read_and_leaves_time_to_stop(fence: Fence) -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str
    unit.read_string(fence.text)
    assert {"Unit", "Service", "Install"} == set(unit.sections())
    from identra.workers import LONGEST_STOP

    assert int(unit["Service"]["TimeoutStopSec"]) > LONGEST_STOP


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with settings that say nothing, found as an operator's would be."""
    (tmp_path / "identra.toml").write_text('[keys]\nalgorithm = "ES256"\n')
    for name in [name for name in os.environ if name.startswith("IDENTRA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("IDENTRA_CONFIG", "identra.toml")
    monkeypatch.setenv("PASSWORD", PASSWORD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", SCRIPTS)
def test_the_shell_of_a_page_runs(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line by line: `identra` within this process, what is piped into it and the rest in bash."""
    if "backup" in page:
        assert run(["keys", "init"]) == 0
    for fence in FENCES:
        if (fence.page, fence.language) == (page, "jsonl"):
            (folder / "users.jsonl").write_text(fence.text)
    for line in "".join(
        f.text for f in FENCES if (f.page, f.language) == (page, "sh")
    ).splitlines():
        found = re.fullmatch(r"(?:(.*) \| )?identra (.*)", line)
        told = _bash(found[1] if found else line)
        monkeypatch.setattr("sys.stdin", io.StringIO(told))
        assert not found or run(shlex.split(found[2], comments=True)) == 0, line


def _bash(line: str | None) -> str:
    if not line:
        return ""
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", line],
        check=True,
        timeout=PATIENCE,
        capture_output=True,
        text=True,
    ).stdout
