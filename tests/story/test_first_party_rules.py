"""Every plugin that comes with Identra keeps the rules, told by the command that tells anybody."""

from __future__ import annotations

import json
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import pytest
from homes import write_settings

from identra.cli import run
from identra.loader.finding import FIRST_PARTY, GROUP
from identra.settings import Persistence

if TYPE_CHECKING:
    from pathlib import Path

OURS = sorted(
    entry.name
    for entry in entry_points(group=GROUP)
    if entry.dist is not None and entry.dist.name == FIRST_PARTY
)


FEW = {"apple", "github", "magic_link", "microsoft", "password"}
"""One of each kind, and those with most ways of their own: the others take as long again."""


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in FEW else [pytest.mark.long]) for n in OURS]
)
def test_a_plugin_of_ours_brings_its_answers_and_is_listed_as_keeping_the_rules(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Persistence(driver="sqlite", name=str(tmp_path / "identra.db"))
    said = {"plugins": {"reports": str(tmp_path / "plugins.json")}}
    config = ["--config", str(write_settings(tmp_path, place, sections=said))]
    code = run(["plugins", "check", name, *config])
    told = capsys.readouterr().out
    assert code == 0, told
    assert run(["plugins", "list", "--json", *config]) == 0
    listed = json.loads(capsys.readouterr().out)["plugins"]
    kept = {row["plugin"]: row["conformance"] for row in listed}
    assert kept.pop(name) == told.splitlines()[-1].partition(": ")[2]
    assert set(kept.values()) == {"not checked"}
