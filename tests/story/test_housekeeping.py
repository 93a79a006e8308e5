"""What is over goes, what is not stays, and the tables keep their size."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from homes import HERE, code_for, open_home, write_settings

from identra.cli import run
from identra.db import open_database
from identra.db.migrations import migrate
from identra.errors import InvalidRefreshToken
from identra.housekeeping import BATCH, SESSIONS_KEPT, Housekeeping, Swept
from identra.settings import Persistence
from identra.state.database import DatabaseState
from identra.values import DAY, SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.app import App
    from identra.db import Database

NOTHING = Swept(0, 0, 0, 0, 0, 0, 0)
YEAR = 365 * DAY


async def sweep(db: Database, kept: int | None = YEAR) -> Swept:
    return await Housekeeping(db, events_kept=kept).sweep()


async def sizes(db: Database) -> dict[str, int]:
    counted = {}
    for name in ("sessions", "state", "spent", "events"):
        rows: list[Any] = await db.fetch(getattr(db.tables, name).count())
        counted[name] = rows[0]["count"]
    return counted


async def sign_in(app: App, email: str) -> str:
    await app.login.begin_code("email", email, HERE, use_html=False)
    code = code_for(app, email)
    pair = await app.login.complete_code("email", email, code, HERE, bearer=None)
    return pair.refresh_token.token


async def test_expired_state_goes_in_batches_and_live_state_stays(
    database: Database, clock: FrozenClock
) -> None:
    state = DatabaseState(database)
    many = BATCH * 2 + 1
    async with database.transaction():
        for number in range(many):
            await state.put(f"old{number}", "value", ttl=10)
        await state.put("young", "value", ttl=100)
    assert await sweep(database) == NOTHING
    clock.advance(10)
    assert (await sweep(database)).state == many
    assert await sweep(database) == NOTHING
    assert await state.get("young") == "value"


async def test_a_session_goes_a_day_after_its_end_and_not_before(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        kept, idle, revoked = [
            await sign_in(app, f"{n}@example.com") for n in ("kept", "idle", "revoked")
        ]
        clock.advance(6 * DAY / SECOND)
        kept = (await app.refresh.exchange(kept, idempotency_key=None)).refresh_token.token
        await app.refresh.revoke(revoked)
        clock.advance((DAY + SESSIONS_KEPT) / SECOND - 1)
        assert (await sweep(app.database)).sessions == 1, "the revoked one"
        clock.advance(1)
        assert (await sweep(app.database)).sessions == 1, "the one nobody used"
        for over in (idle, revoked):
            with pytest.raises(InvalidRefreshToken):
                await app.refresh.exchange(over, idempotency_key=None)
        await app.refresh.exchange(kept, idempotency_key=None)


async def test_events_are_kept_as_long_as_the_settings_say(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        await sign_in(app, "ada@example.com")
        clock.advance(400 * DAY / SECOND)
        assert (await sweep(app.database, None)).events == 0
        await sign_in(app, "ada@example.com")
        before = (await sizes(app.database))["events"]
        gone = (await sweep(app.database)).events
        assert 0 < gone < before
        rows = await app.database.fetch(app.database.tables.events.select())
        assert [row["name"] for row in rows] == ["login.succeeded"]


async def test_the_tables_keep_their_size_over_a_year(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        month: dict[str, int] = {}
        for day in range(0, 365, 3):
            await sign_in(app, "ada@example.com")
            clock.advance(3 * DAY / SECOND)
            await sweep(app.database, 30 * DAY)
            if day == 60:
                month = await sizes(app.database)
        assert await sizes(app.database) == month


async def test_two_may_sweep_at_once(database: Database, clock: FrozenClock) -> None:
    state = DatabaseState(database)
    for number in range(100):
        await state.put(f"old{number}", "value", ttl=10)
    clock.advance(10)
    first, second = await asyncio.gather(sweep(database), sweep(database))
    assert first.state + second.state == 100


async def test_of_all_processes_one_sweeps_in_an_hour(
    database: Database, clock: FrozenClock
) -> None:
    state, housekeeping = DatabaseState(database), Housekeeping(database, events_kept=None)
    await state.put("old", "value", ttl=10)
    clock.advance(10)
    await housekeeping.sweep_in_turn(state)
    assert (await sizes(database))["state"] == 1, "the turn itself"
    await state.put("older", "value", ttl=10)
    clock.advance(3599)
    await housekeeping.sweep_in_turn(state)
    assert (await sizes(database))["state"] == 2
    clock.advance(1)
    await housekeeping.sweep_in_turn(state)
    assert (await sizes(database))["state"] == 1


async def test_trouble_with_the_store_is_left_for_the_next_turn(database: Database) -> None:
    await database.close()
    await Housekeeping(database, events_kept=None).sweep_in_turn(DatabaseState(database))


def test_the_command_sweeps_once_and_counts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Persistence(driver="sqlite", name=str(tmp_path / "identra.db"))
    file = write_settings(tmp_path, place)

    async def fill() -> None:
        db = await open_database(place, clock=lambda: SECOND)
        await migrate(db)
        await DatabaseState(db).put("old", "value", ttl=1)
        await db.close()

    asyncio.run(fill())
    assert run(["housekeeping", "--config", str(file), "--json"]) == 0
    removed = json.loads(capsys.readouterr().out)["removed"]
    nothing = {"sessions": 0, "state": 0, "spent": 0, "events": 0, "attempts": 0}
    nothing |= {"users": 0, "dispatches": 0}
    assert removed == nothing | {"state": 1}
    assert run(["housekeeping", "--config", str(file)]) == 0
    assert capsys.readouterr().out == ", ".join(f"0 {name}" for name in nothing) + " removed\n"
