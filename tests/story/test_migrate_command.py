"""`identra migrate`, and how the other commands and the start meet older and newer tables."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import running
import servers
from homes import write_settings
from nextrelease import AFTER_NEXT, NEXT, upgrade
from piccolo.querystring import QueryString

from identra.cli import run
from identra.db import catalogue, open_database
from identra.db.migrations import STEPS

if TYPE_CHECKING:
    from identra.db.catalogue import Found
    from identra.db.migrations import Step
    from identra.db.statement import Row
    from identra.settings import Persistence


def tables(place: Persistence) -> dict[str, Found]:
    async def look() -> dict[str, Found]:
        db = await open_database(place)
        try:
            return await catalogue.read(db)
        finally:
            await db.close()

    return asyncio.run(look())


def ask(place: Persistence, sql: str) -> list[Row]:
    async def fetch() -> list[Row]:
        db = await open_database(place)
        try:
            return await db.fetch(QueryString(sql))
        finally:
            await db.close()

    return asyncio.run(fetch())


def test_checking_changes_nothing_and_tells_by_its_code(tmp_path: Path, empty: Persistence) -> None:
    config = ["--config", str(write_settings(tmp_path, empty))]
    assert run(["migrate", "--check", *config]) == 1
    assert run(["migrate", "--plan", *config]) == 0
    assert run(["migrate", "--check", *config]) == 1
    assert empty.driver != "sqlite" or not Path(empty.name).exists(), "nor makes a file"
    assert tables(empty) == {}
    assert run(["migrate", *config]) == 0
    assert run(["migrate", "--check", *config]) == 0


@pytest.mark.parametrize("engine", ["sqlite", "postgres", "mysql", "mariadb", "cockroach"])
def test_a_plan_from_nothing_needs_no_settings_and_no_database(
    engine: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = ["--config", str(tmp_path / "nothing.toml")]
    assert run(["migrate", "--plan", "--engine", engine, *nowhere]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"-- for {engine}, as it is now"
    assert all(line.startswith("--") or line.endswith(";") for line in said)
    assert sum('INSERT INTO "identra_migrations"' in line for line in said) == len(STEPS)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "words", [["--engine", "sqlite"], ["--plan", "--check"], ["--plan", "--engine", "oracle"]]
)
def test_what_does_not_go_together_is_wrong_usage(words: list[str]) -> None:
    assert run(["migrate", *words]) == 2


def test_the_release_before_changes_nothing_on_newer_tables_and_says_so(
    tmp_path: Path, persistence: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(write_settings(tmp_path, persistence))]
    asyncio.run(upgrade(persistence))
    before = tables(persistence)
    for words, sign in (
        (["migrate"], ""),
        (["migrate", "--check"], ""),
        (["migrate", "--plan"], "-- "),
    ):
        assert run([*words, *config]) == 0
        said = capsys.readouterr().out
        assert said == (
            f"{sign}up to date: a newer release took step {NEXT[-1]}, and this one can work with"
            " it\n"
        )
    asyncio.run(upgrade(persistence, AFTER_NEXT))
    after = tables(persistence)
    for words in (["migrate"], ["migrate", "--check"], ["migrate", "--plan"], ["users", "list"]):
        assert run([*words, *config]) == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert f"took step {AFTER_NEXT[-1]}, made by a newer release" in line
        assert line.endswith(
            f"know step {NEXT[-1].number}, and this one knows {STEPS[-1].number}: start a newer one"
        )
    assert before != after == tables(persistence)


def test_commands_work_on_newer_tables_as_far_as_they_know_them(
    tmp_path: Path, persistence: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(write_settings(tmp_path, persistence))]
    asyncio.run(upgrade(persistence))
    for words in (
        ["keys", "init"],
        ["users", "create", "ada@example.com", "--proved"],
        ["users", "list"],
        ["users", "disable", "ada@example.com", "--reason", "away"],
        ["users", "enable", "ada@example.com"],
        ["users", "export", "--to", str(tmp_path / "users.jsonl")],
        ["housekeeping"],
    ):
        assert run([*words, *config]) == 0, capsys.readouterr().err
    asked = "SELECT tongue, about, motto FROM identra_users"
    defaults = [{"tongue": "it's", "about": "none", "motto": None}]
    assert ask(persistence, asked) == defaults
    ask(persistence, "DELETE FROM identra_users")
    assert run(["users", "import", str(tmp_path / "users.jsonl"), *config]) == 0
    assert ask(persistence, asked) == defaults


@pytest.mark.parametrize("newer", ["here", "there", "both"])
@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
def test_a_copy_is_made_by_the_release_that_knows_the_tables(
    newer: str, tmp_path: Path, persistence: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "other").mkdir()
    other = persistence.model_copy(update={"name": str(tmp_path / "other" / "identra.db")})
    here = str(write_settings(tmp_path, persistence))
    there = str(write_settings(tmp_path / "other", other))
    assert run(["keys", "init", "--config", here]) == 0
    for name, place in (("here", persistence), ("there", other)):
        if newer in {name, "both"}:
            asyncio.run(upgrade(place))
    before = tables(other)
    assert run(["copy", "--config", here, "--to", there]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "copy with that release" in line
    assert tables(other) == before
    assert not (tmp_path / "other" / "master.key").exists()


@pytest.mark.parametrize(
    ("empty", "steps", "says"),
    [
        (
            "postgres",
            (),
            "the database's tables are older than this release; run `identra migrate`",
        ),
        ("postgres", AFTER_NEXT, f"this one knows {STEPS[-1].number}: start a newer one"),
        ("sqlite", AFTER_NEXT, f"this one knows {STEPS[-1].number}: start a newer one"),
    ],
    indirect=["empty"],
    ids=["older", "too new", "too new for sqlite"],
)
def test_a_start_on_tables_that_can_not_be_worked_with_exits_with_one_line(
    tmp_path: Path, empty: Persistence, steps: tuple[Step, ...], says: str
) -> None:
    file = write_settings(tmp_path, empty, sections={"": {"http_port": servers.free_port()}})
    if steps:
        asyncio.run(upgrade(empty, steps))
    before = tables(empty)
    done = subprocess.run(
        [sys.executable, "-m", "identra", "serve", "--config", str(file)],
        capture_output=True,
        text=True,
        timeout=running.PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, ""), "it never said that it is ready"
    (line,) = done.stderr.splitlines()
    assert line.startswith("identra: ")
    assert line.endswith(says)
    assert tables(empty) == before
