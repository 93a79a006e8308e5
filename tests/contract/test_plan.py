"""A printed plan, run by hand with the database's own client, is as good as migrating."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import servers
from homes import write_settings
from nextrelease import AFTER_NEXT, CONTRACTS, EXPANDS, NEXT

from identra.cli import run
from identra.db import catalogue, open_database
from identra.db.catalogue import ABSENT, Found, after
from identra.db.migrations import LEDGER, Step, migrate, plan_of, standing
from identra.db.migrations.plan import written
from identra.db.schema import parts

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from identra.settings import Persistence

ENGINE = {"sqlite": "sqlite", "postgres": "postgres", "mysql": "mariadb"}
CLIENT = {"sqlite": "sqlite3", "postgres": "psql", "mysql": "mariadb"}


def by_hand(place: Persistence, script: str) -> None:
    """Run a script as a database's administrator would."""
    client = CLIENT[place.driver]
    if not shutil.which(client):
        servers.missing(f"the client {client}")
    there = ["-h", place.host, "-U" if client == "psql" else "-u", str(place.user)]
    command = {
        "sqlite3": ["sqlite3", "-bail", place.name],
        "psql": ["psql", "-v", "ON_ERROR_STOP=1", "-w", *there, "-p", str(place.port), place.name],
        "mariadb": ["mariadb", "--no-defaults", *there, "-P", str(place.port), place.name],
    }[client]
    secret = place.password.get_secret_value() if place.password else ""
    environment = {"PATH": servers.SYSTEM, "PGPASSWORD": secret, "MYSQL_PWD": secret}
    done = subprocess.run(
        command, input=script, capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert run(["migrate", *words]) == 0
    return capsys.readouterr().out


def test_the_plan_run_by_hand_on_an_empty_database_leaves_nothing_to_do(
    tmp_path: Path, empty: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(write_settings(tmp_path, empty))]
    plan = told(capsys, "--plan", *config)
    assert told(capsys, "--plan", *config) == plan, "printing it changes nothing"
    assert told(capsys, "--plan", "--engine", ENGINE[empty.driver]) == plan
    by_hand(empty, plan)
    assert told(capsys, "--check", *config) == "up to date\n"
    assert told(capsys, *config) == "up to date\n"
    assert told(capsys, "--plan", *config) == "-- up to date\n"
    assert run(["keys", "init", *config]) == 0


async def test_a_later_plan_run_by_hand_does_what_migrating_does(
    persistence: Persistence,
) -> None:
    db = await open_database(persistence)
    for steps in (NEXT, AFTER_NEXT):
        by_hand(persistence, written(await plan_of(db, steps)))
        assert (await standing(db, steps)).pending == ()
        assert await migrate(db, steps) == []
        wanted, found = _wanted(db.dialect, steps), await catalogue.read(db)
        assert found.keys() == wanted.keys()
        for name, table in found.items():
            assert table.columns == wanted[name].columns
            assert table.indexes >= wanted[name].indexes
    await db.close()


def _wanted(dialect: str, steps: tuple[Step, ...]) -> dict[str, Found]:
    """The tables as all of these steps leave them."""
    tables: dict[str, Found] = {}
    for change in [LEDGER, *(change for step in steps for change in step.changes)]:
        for part in parts(dialect, change):
            tables[part.table] = after(part, tables.get(part.table, ABSENT))
    return {name: table for name, table in tables.items() if table.columns}


async def test_each_step_of_a_plan_says_what_it_is(persistence: Persistence) -> None:
    db = await open_database(persistence)
    comments = [
        line for line in written(await plan_of(db, AFTER_NEXT)).splitlines() if line[:2] == "--"
    ]
    assert comments == [
        f"-- for {db.dialect}, as it is now",
        f"-- {EXPANDS}: adds; a release that knows step {EXPANDS.needs:04} works on",
        f"-- {CONTRACTS}: removes; a release that knows step {CONTRACTS.needs:04} works on",
    ]
    await db.close()
