"""Who one is and whether her session lives are read at one instant, alike on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from identra.events import Events
from identra.users import Users

if TYPE_CHECKING:
    from clock import FrozenClock

    from identra.db import Database

IDLE, END = 100, 300
"""Seconds from the clock's beginning."""


async def _enter(db: Database, at: int, **more: Any) -> None:
    """Ada with a session of hers."""
    t = db.tables
    session: dict[str, Any] = {
        "id": "s", "user_id": "ada", "auth_time": at, "amr": "pwd", "idp": "password",
        "generation": 0, "seed": "seed", "secret_id": "secret", "advances": "", "created_at": at,
        "last_used_at": at, "idle_ends_at": at + IDLE * 1_000_000, "ends_at": at + END * 1_000_000,
        "peer": "", "user_agent": "", "signed_by": "kid",
    }  # fmt: skip
    await db.change(t.users.insert(t.users(id="ada", created_at=at)))
    await db.change(t.users.insert(t.users(id="eve", created_at=at)))
    await db.change(t.sessions.insert(t.sessions(**session | more)))


def _users(db: Database, clock: FrozenClock) -> Users:
    return Users(db, Events(db, clock), clock)


async def test_a_live_session_goes_on_until_it_is_idle_too_long(
    database: Database, clock: FrozenClock
) -> None:
    await _enter(database, clock())
    clock.advance(IDLE - 1)
    found = await _users(database, clock).in_session("ada", "s")
    assert (found.user and found.user.user_id, found.left) == ("ada", 1_000_000)
    clock.advance(1)
    assert (await _users(database, clock).in_session("ada", "s")).left == 0


async def test_no_use_of_it_carries_a_session_beyond_its_end(
    database: Database, clock: FrozenClock
) -> None:
    await _enter(database, clock(), idle_ends_at=clock() + 10 * END * 1_000_000)
    clock.advance(END + 1)
    assert (await _users(database, clock).in_session("ada", "s")).left == -1_000_000


async def test_of_a_session_that_was_ended_nothing_is_left(
    database: Database, clock: FrozenClock
) -> None:
    await _enter(database, clock(), revoked_at=clock())
    found = await _users(database, clock).in_session("ada", "s")
    assert (found.user is not None, found.left) == (True, 0)


async def test_anothers_session_is_none_of_hers(database: Database, clock: FrozenClock) -> None:
    await _enter(database, clock())
    found = await _users(database, clock).in_session("eve", "s")
    assert (found.user is not None, found.left) == (True, None)
    nobody = await _users(database, clock).in_session("nobody", "s")
    assert (nobody.user, nobody.left) == (None, None)
