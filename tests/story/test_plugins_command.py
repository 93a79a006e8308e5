"""`identra plugins`: drafts keep their rules, and a report is of one version alone.

That of an OAuth 2.0 place is tried with the tutorial.
"""

from __future__ import annotations

import importlib
import json
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
from homes import write_settings
from installing import installed

from identra.cli import run
from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BARE = """
[project]
name = "identra-acme"
version = "1.0"
[project.entry-points.identra]
acme = "identra_acme"
"""
TWO_SETS = """
[project.entry-points."identra.conformance"]
acme = "identra_acme.conformance:AcmeConformance"
"acme.other" = "identra_acme.conformance:Other"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    place = Persistence(driver="sqlite", name=str(tmp_path / "identra.db"))
    reports = str(tmp_path / "reports" / "plugins.json")
    said = {"plugins": {"enabled": ["acme"], "reports": reports}}
    return write_settings(tmp_path, place, sections=said)


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.startswith("identra_acme")]:
        del sys.modules[name]


def draft(folder: Path, kind: str) -> tuple[str, dict[str, str]]:
    """A draft's pyproject.toml, and its package as pip would put it on the path."""
    made = folder / "draft"
    assert run(["plugins", "new", "acme", "--kind", kind, "--directory", str(made)]) == 0
    sys.path.insert(0, str(made / "src"))
    return (made / "pyproject.toml").read_text(), {}


@pytest.mark.parametrize("kind", ["oidc", "code", "secret", "hooks"])
def test_a_draft_keeps_every_rule_of_its_kind_and_is_listed_so(
    tmp_path: Path, settings: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pyproject, modules = draft(tmp_path, kind)
    config = ["--config", str(settings)]
    try:
        with installed(tmp_path, pyproject, modules):
            assert run(["plugins", "list", *config]) == 0
            assert "not checked" in capsys.readouterr().out
            assert run(["plugins", "check", "acme", *config]) == 0
            assert "acme 0.1.0: keeps " in capsys.readouterr().out
            assert run(["plugins", "list", "--json", *config]) == 0
            listed = json.loads(capsys.readouterr().out)["plugins"]
            (mine,) = (row for row in listed if row["plugin"] == "acme")
            assert mine["conformance"].startswith("keeps ")
    finally:
        sys.path.remove(str(tmp_path / "draft" / "src"))
    assert tomllib.loads(pyproject)["project"]["name"] == "identra-acme"


def test_a_report_says_what_is_broken_and_is_of_this_version_alone(
    tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pyproject, modules = draft(tmp_path, "secret")
    source = tmp_path / "draft" / "src" / "identra_acme" / "__init__.py"
    source.write_text(source.read_text().replace("has at least four words", "{secret}"))
    source.write_text(source.read_text().replace('else "{secret}"', 'else f"{secret}"'))
    importlib.invalidate_caches()
    config = ["--config", str(settings)]
    try:
        with installed(tmp_path, pyproject, modules):
            assert run(["plugins", "check", "acme", *config]) == 1
            told = capsys.readouterr().out
            assert "BROKEN  objections\n" in told
            assert "Seen: a sentence repeats the secret" in told
            assert run(["plugins", "list", *config]) == 0
            assert "breaks objections" in capsys.readouterr().out
            info = next((tmp_path / "site").glob("*.dist-info"))
            meta = info / "METADATA"
            meta.write_text(meta.read_text().replace("0.1.0", "0.2.0"))
            assert run(["plugins", "list", *config]) == 0
            assert "not checked since it changed" in capsys.readouterr().out
    finally:
        sys.path.remove(str(tmp_path / "draft" / "src"))


def test_a_plugin_that_must_be_told_something_is_checked_with_what_its_answers_say(
    tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It need neither be enabled nor have a section."""
    settings.write_text(settings.read_text().replace('enabled = ["acme"]', "enabled = []"))
    pyproject, modules = draft(tmp_path, "hooks")
    source = tmp_path / "draft" / "src" / "identra_acme"
    needing = (source / "__init__.py").read_text().replace(' = SecretStr("")', "")
    (source / "__init__.py").write_text(needing)
    told = 'plugin = "identra_acme"\n    settings = {"api_key": "a key of this test"}'
    answers = (source / "conformance.py").read_text().replace('plugin = "identra_acme"', told)
    (source / "conformance.py").write_text(answers)
    try:
        with installed(tmp_path, pyproject, modules):
            assert run(["plugins", "check", "acme", "--config", str(settings)]) == 0
            assert "acme 0.1.0: keeps 3 rules" in capsys.readouterr().out
            assert run(["plugins", "check", "nobody", "--config", str(settings)]) == 1
            assert "no plugin 'nobody' is installed" in capsys.readouterr().err
    finally:
        sys.path.remove(str(tmp_path / "draft" / "src"))


def test_a_plugin_without_answers_is_not_said_to_keep_rules(
    tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "contract = 1\n"
    with installed(tmp_path, BARE, {"identra_acme": source}):
        assert run(["plugins", "check", "acme", "--config", str(settings)]) == 1
    assert "acme 1.0: brings no canned answers" in capsys.readouterr().out


def test_of_several_sets_of_answers_a_rule_must_hold_for_each(
    tmp_path: Path, settings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    draft(tmp_path, "secret")
    answers = tmp_path / "draft" / "src" / "identra_acme" / "conformance.py"
    more = '\n\nclass Other(AcmeConformance):\n    refused = ("correct horse battery staple",)\n'
    answers.write_text(answers.read_text() + more)
    importlib.invalidate_caches()
    try:
        with installed(tmp_path, BARE + TWO_SETS, {}):
            assert run(["plugins", "check", "acme", "--config", str(settings)]) == 1
    finally:
        sys.path.remove(str(tmp_path / "draft" / "src"))
    first, _, second = capsys.readouterr().out.partition("Other:\n")
    assert "AcmeConformance:\nok      an_acceptable_secret\nok      objections\n" in first
    assert "BROKEN  objections\n" in second
    assert second.endswith("acme 1.0: breaks objections\n")


ANSWERS = "conformance.py"
UNFIT = {
    "of another plugin": (
        ANSWERS,
        'name = "acme"\n    plugin = "identra_acme"',
        'name = "password"\n    plugin = "identra_password"',
        "AcmeConformance is about password in identra_password",
    ),
    "of another plugin under this one's name": (
        ANSWERS,
        'plugin = "identra_acme"',
        'plugin = "identra_password"',
        "AcmeConformance is about acme in identra_password",
    ),
    "of one of two providers": (
        "__init__.py",
        "return [Acme]",
        "return [Acme, type('Two', (Acme,), {'name': 'two'})]",
        "brings no canned answers for two",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_answers_do_not_speak_for_what_they_do_not_look_at(
    tmp_path: Path, settings: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as those that were copied from another plugin and still name that."""
    file, before, after, says = UNFIT[case]
    pyproject, modules = draft(tmp_path, "secret")
    changed = tmp_path / "draft" / "src" / "identra_acme" / file
    assert before in changed.read_text()
    changed.write_text(changed.read_text().replace(before, after))
    importlib.invalidate_caches()
    try:
        with installed(tmp_path, pyproject, modules):
            assert run(["plugins", "check", "acme", "--config", str(settings)]) == 1
            assert f"plugin acme: {says}" in capsys.readouterr().err
            assert not (tmp_path / "reports").exists()
    finally:
        sys.path.remove(str(tmp_path / "draft" / "src"))


@pytest.mark.parametrize("name", ["oauth", "ACME", "a", "../x", "a-b"])
def test_no_draft_is_written_under_a_name_that_no_plugin_can_have(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "new")
    assert run(["plugins", "new", name, "--kind", "oauth2", "--directory", folder]) == 1
    assert "a plugin's name is" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_no_draft_is_written_over_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path)
    assert run(["plugins", "new", "acme", "--kind", "code", "--directory", folder]) == 1
    assert "is there already" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
