"""A database is copied whole into another, whatever the two engines are, and life goes on there."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import servers
from homes import HERE, code_for, open_home, write_settings

from identra.app import keyring, opened_copying, prepare
from identra.app.opening import system_clock
from identra.cli import run
from identra.copying import BATCH, Copying, Place
from identra.db import open_database
from identra.db.migrations import migrate
from identra.errors import OperatorError, StoreUnavailable
from identra.master import make_file, read_files
from identra.nodes import LIVES, Nodes
from identra.settings import Persistence, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clock import FrozenClock

    from identra.db import Database

ADA = "ada@example.com"


@pytest.fixture
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Persistence]:
    """An empty database of any kind."""
    if request.param == "sqlite":
        yield Persistence(driver="sqlite", name=str(tmp_path / "target" / "identra.db"))
        return
    with servers.fresh_database(request.getfixturevalue(f"{request.param}_server")) as place:
        yield place


@pytest.fixture
def there(tmp_path: Path, target: Persistence) -> Path:
    (tmp_path / "target").mkdir()
    return write_settings(tmp_path / "target", target)


def copy(here: Path, there: Path) -> int:
    return run(["copy", "--config", str(here), "--to", str(there)])


async def test_users_sessions_and_keys_go_along(
    tmp_path: Path, persistence: Persistence, target: Persistence, there: Path
) -> None:
    async with open_home(tmp_path, persistence) as app:
        await app.login.begin_code("email", ADA, HERE, use_html=False)
        pair = await app.login.complete_code("email", ADA, code_for(app, ADA), HERE, bearer=None)
        await app.login.begin_code("email", "bob@example.com", HERE, use_html=False)
        pending = code_for(app, "bob@example.com")
        kid = app.keys.signer().kid
        orders = keyring.workshop(app.settings, app.database, system_clock).orders
        await orders.retire((await orders.add()).kid)
    assert await asyncio.to_thread(copy, tmp_path / "identra.toml", there) == 0
    assert not (tmp_path / "target" / "master.key").samefile(tmp_path / "master.key")
    async with open_home(tmp_path / "target", target) as app:
        info = await app.account.login_info(pair.access_token.token)
        assert info.email == ADA
        await app.refresh.exchange(pair.refresh_token.token, idempotency_key=None)
        assert app.keys.signer().kid == kid
        await app.login.complete_code("email", "bob@example.com", pending, HERE, bearer=None)


async def _fill(db: Database, count: int) -> None:
    users = db.tables.users
    for first in range(0, count, 500):
        rows = [users(id=f"u{n:05}", created_at=n) for n in range(first, min(first + 500, count))]
        await db.change(users.insert(*rows))


async def test_a_copy_that_was_interrupted_goes_on(
    tmp_path: Path, persistence: Persistence, target: Persistence
) -> None:
    here, there = await open_database(persistence), await open_database(target)
    await migrate(there)
    make_file(tmp_path / "master.key")
    master = read_files([tmp_path / "master.key"])
    await _fill(here, 3 * BATCH)
    copying = Copying(Place(here, master), Place(there, master))
    await copying.check()
    async for rows in copying.run():
        assert rows == BATCH
        break
    again = Copying(Place(here, master), Place(there, master))
    await again.check()
    assert [rows async for rows in again.run()] == [BATCH] * 3, "one of them was there already"
    await again.verify()
    users = there.tables.users
    assert (await there.first(users.count())) == {"count": 3 * BATCH}
    with pytest.raises(OperatorError, match="of its own"):
        await again.check()
    for db in (here, there):
        await db.close()


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
@pytest.mark.parametrize("target", ["sqlite"], indirect=True)
async def test_part_of_a_copy_is_not_served(
    tmp_path: Path, persistence: Persistence, target: Persistence, there: Path
) -> None:
    """It would be given keys of its own, and sign up anew whoever has not arrived yet."""
    async with open_home(tmp_path, persistence) as app:
        await app.login.begin_code("email", ADA, HERE, use_html=False)
        await app.login.complete_code("email", ADA, code_for(app, ADA), HERE, bearer=None)
    here, whole = load(tmp_path / "identra.toml", {}), load(there, {})
    async with opened_copying(here, whole) as copying:
        running = copying.run()
        assert await anext(running) == 1
        await running.aclose()
    with pytest.raises(OperatorError, match="part of a copy; finish it with `identra copy`"):
        await prepare(whole)
    assert await asyncio.to_thread(copy, tmp_path / "identra.toml", there) == 0
    await prepare(whole)


async def test_a_row_that_differs_is_found(
    tmp_path: Path, database: Database, target: Persistence
) -> None:
    there = await open_database(target)
    await migrate(there)
    make_file(tmp_path / "master.key")
    master = read_files([tmp_path / "master.key"])
    await _fill(database, 10)
    copying = Copying(Place(database, master), Place(there, master))
    assert [rows async for rows in copying.run()] == [10]
    users = there.tables.users
    await there.change(users.update({users.created_at: 99}).where(users.id == "u00003"))
    with pytest.raises(OperatorError, match="identra_users differs"):
        await copying.verify()
    await there.close()


async def test_a_node_that_writes_stops_a_copy_and_one_that_reads_does_not(
    database: Database, clock: FrozenClock, target: Persistence, tmp_path: Path
) -> None:
    there = await open_database(target, clock=clock)
    await migrate(there)
    make_file(tmp_path / "master.key")
    master = read_files([tmp_path / "master.key"])
    copying = Copying(Place(database, master), Place(there, master))
    await Nodes(database, read_only=True).announce()
    await copying.check()
    writing = Nodes(database)
    await writing.announce()
    with pytest.raises(OperatorError, match="node is live on this database"):
        await copying.check()
    await writing.leave()
    await copying.check()
    await writing.announce()
    clock.advance(LIVES)
    await copying.check()
    await Nodes(there, read_only=True).announce()
    with pytest.raises(OperatorError, match="node is live on the other"):
        await copying.check()
    await there.close()


async def test_a_reading_twin_reads_and_never_writes(
    database: Database, clock: FrozenClock
) -> None:
    reading = database.only_reading()
    assert await reading.instant() == clock()
    users = database.tables.users
    await database.change(users.insert(users(id="a", created_at=1)))
    assert await reading.fetch(users.select(users.id)) == [{"id": "a"}]
    with pytest.raises(StoreUnavailable):
        await reading.change(users.delete().where(users.id == "a"))
    with pytest.raises(StoreUnavailable):
        await reading.fetch(users.insert(users(id="b", created_at=1)))
    with pytest.raises(StoreUnavailable):
        async with reading.transaction():
            pass
    await reading.close()
    assert await database.fetch(users.select(users.id)) == [{"id": "a"}]


def test_a_copy_onto_itself_or_over_another_identra_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        place = Persistence(driver="sqlite", name=str(tmp_path / name / "identra.db"))
        file = str(write_settings(tmp_path / name, place))
        assert run(["migrate", "--config", file]) == 0
        assert run(["keys", "init", "--config", file]) == 0
    capsys.readouterr()
    a, b = tmp_path / "a" / "identra.toml", tmp_path / "b" / "identra.toml"
    assert copy(a, a) == 1
    assert "same database" in capsys.readouterr().err
    assert copy(a, b) == 1
    assert "holds an Identra of its own" in capsys.readouterr().err
    assert copy(a, tmp_path / "nowhere.toml") == 1
    assert capsys.readouterr().err.count("\n") == 1
