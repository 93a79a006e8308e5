"""An operator gives a program a key of its own, sees what became of it, and takes it back."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from callers import open_house
from homes import HERE, write_settings

from identra.adminkeys import COARSE, SCOPES, read
from identra.clearance import DISABLE_USER, LIST_USERS
from identra.cli import run
from identra.errors import InsufficientScope, InvalidAdminKey, MissingAdminKey
from identra.values import SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "01900000-0000-7000-8000-00000000000a"
ON = {"admin": {"enabled": True}}
Capture = pytest.CaptureFixture[str]
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


async def ask(file: Path, capsys: Capture, *words: str, code: int = 0) -> Any:
    """What a command of `identra admin-keys` tells as JSON; of a refusal its line."""
    capsys.readouterr()
    said = ["admin-keys", *words, "--config", str(file), "--json"]
    assert await asyncio.to_thread(run, said) == code
    told = capsys.readouterr()
    return json.loads(told.out) if told.out else told.err


async def test_a_key_is_told_once_listed_without_it_and_taken_back(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    file = write_settings(tmp_path, persistence, sections=ON)
    scopes = ("--scope", "users:write", "--scope", "users:read", "--scope", "users:read")
    made = await ask(file, capsys, "create", "ci", *scopes, "--expires", "12h")
    assert read(made["key"]) == made["id"]
    assert (made["name"], made["scopes"]) == ("ci", ["users:read", "users:write"])
    (listed,) = (await ask(file, capsys, "list"))["admin_keys"]
    assert listed == {name: value for name, value in made.items() if name != "key"}
    assert listed["state"] == "live"
    assert "is, or was, a key named ci" in await ask(file, capsys, "create", "ci", *scopes, code=1)
    assert (await ask(file, capsys, "revoke", "ci"))["revoked"] is True
    assert (await ask(file, capsys, "revoke", "ci"))["revoked"] is False
    assert "no admin key cd" in await ask(file, capsys, "revoke", "cd", code=1)
    assert (await ask(file, capsys, "list"))["admin_keys"][0]["state"] == "revoked"


@Sqlite
@pytest.mark.parametrize(
    "words",
    [
        ("ci",),
        ("ci", "--scope", "users:all"),
        ("ci", "--scope", "admin_keys:write"),
        ("CI", "--scope", "users:read"),
        ("a" * 65, "--scope", "users:read"),
        ("", "--scope", "users:read"),
        ("ci", "--scope", "users:read", "--expires", "0s"),
        ("ci", "--scope", "users:read", "--expires", "1096d"),
        ("ci", "--scope", "users:read", "--expires", "never"),
    ],
)
def test_a_key_without_a_scope_an_end_or_a_name_is_wrong_usage(
    tmp_path: Path, persistence: Persistence, capsys: Capture, words: tuple[str, ...]
) -> None:
    file = write_settings(tmp_path, persistence)
    assert run(["admin-keys", "create", *words, "--config", str(file)]) == 2
    assert "identra_admin_" not in capsys.readouterr().out


@Sqlite
async def test_all_that_is_kept_of_a_key_opens_nothing(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    """Neither table, nor record, nor what the command says beside it, holds the key."""
    file = write_settings(tmp_path, persistence, sections=ON)
    every = [word for scope in SCOPES for word in ("--scope", scope)]
    capsys.readouterr()
    assert (
        await asyncio.to_thread(run, ["admin-keys", "create", "ci", *every, "--config", str(file)])
        == 0
    )
    told = capsys.readouterr()
    written = told.out.strip()
    assert read(written)
    assert written not in told.err
    secret = written.rpartition("_")[2]
    async with open_house(tmp_path, persistence, sections=ON) as house:
        db = house.app.database
        for table in db.tables.every():
            assert secret not in str(await db.fetch(table.select())), table


async def test_a_key_opens_what_it_was_made_for_until_its_end(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Each call is on record with its caller, and so is one that is refused."""
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        back = house.app.backoffice
        assert back
        keys = back.clearance._keys
        made, written = await keys.create("ci", ("users:read",), life=60 * SECOND)
        cleared = await back.clearance.clear(written, LIST_USERS, HERE)
        assert (cleared, cleared.by) == (made, "admin key ci")
        with pytest.raises(InsufficientScope, match="lacks users:write"):
            await back.clearance.clear(written, DISABLE_USER, HERE, user_id=ADA)
        clock.advance(60)
        with pytest.raises(InvalidAdminKey):
            await back.clearance.clear(written, LIST_USERS, HERE, user_id="x' OR 1=1")
        with pytest.raises(MissingAdminKey):
            await back.clearance.clear(None, LIST_USERS, HERE)
        t = house.app.database.tables.events
        rows = await house.app.database.fetch(t.select().where(t.name == "admin.called"))
        said = {"key": made.key_id, "key_name": "ci", "peer": HERE.address, "attempt": "attempt"}
        found = [(row["user_id"], json.loads(row["data"])) for row in rows]
        expected = [
            (None, said | {"act": "users.list"}),
            (ADA, said | {"act": "users.disable", "refused": "INSUFFICIENT_SCOPE"}),
            (None, said | {"act": "users.list", "refused": "INVALID_TOKEN"}),
        ]
        # Calls of one millisecond have no order among themselves.
        assert len(found) == len(expected)
        assert all(each in found for each in expected)


async def test_when_a_key_was_used_is_written_down_seldom(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        back = house.app.backoffice
        assert back
        keys = back.clearance._keys
        _, written = await keys.create("ci", ("users:read",), life=COARSE * 5)
        for seconds, then in ((0, 0), (COARSE // SECOND - 1, 0), (1, COARSE), (1, COARSE)):
            clock.advance(seconds)
            await back.clearance.clear(written, LIST_USERS, HERE)
            (key,) = await keys.list()
            assert key.last_used_at == key.created_at + then


@Sqlite
async def test_nobody_works_there_unless_the_settings_say_so(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        assert house.app.backoffice is None
