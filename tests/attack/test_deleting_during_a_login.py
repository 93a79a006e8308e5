"""The attacker signs in at the very moment at which the account is deleted, by its owner or by an
operator: neither a session nor half a user may be left of it, whoever is first.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import servers
from callers import Caller, House, access, open_house, reason, refresh, tokens
from homes import PASSWORD, code_for

from identra.app import opened_office
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    import httpx

    from identra.settings import Persistence

ROUNDS = 2
WAITING = """SELECT count(*) AS n FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'"""


async def by_password(her: Caller, email: str, _code: str) -> httpx.Response:
    return await her.log_in(email)


async def by_code(her: Caller, email: str, code: str) -> httpx.Response:
    return await her.answer(email, code)


async def by_reset(her: Caller, email: str, code: str) -> httpx.Response:
    body = {"email": email, "code": code, "password": "another horse battery"}
    return await her.say("/password/reset/confirm", body)


WAYS: dict[str, Callable[[Caller, str, str], Awaitable[httpx.Response]]] = {
    "password": by_password,
    "code": by_code,
    "reset": by_reset,
}


async def settle(house: House, email: str, way: str) -> tuple[Caller, dict[str, Any], str]:
    """Somebody with a password, her tokens, and the code that her next sign-in may need."""
    her = house.caller()
    await her.register(email)
    pair = tokens(await her.confirm(email, code_for(house.app, email)))
    if way != "password":
        asked = {"code": "/email/code", "reset": "/password/reset"}[way]
        assert reason(await her.say(asked, {"email": email})) == "200"
    return her, pair, code_for(house.app, email)


async def live_sessions(house: House) -> int:
    t = house.app.database.tables.sessions
    return len(await house.app.database.fetch(t.select().where(t.revoked_at.is_null())))


@pytest.mark.parametrize("way", WAYS)
async def test_whoever_is_first_no_session_outlives_her_leave(
    tmp_path: Path, persistence: Persistence, way: str
) -> None:
    async with open_house(tmp_path, persistence) as house:
        for number in range(ROUNDS):
            email = f"ada{number}@example.com"
            her, pair, code = await settle(house, email, way)
            answers = await asyncio.gather(
                her.end("/me", bearer=access(pair)),
                WAYS[way](house.caller(), email, code),
                house.caller().refresh(refresh(pair)),
            )
            left, came, _ = map(reason, answers)
            # A reset ends the session that asks to leave, if it is quicker.
            assert (left, came) in {
                ("200", "200"),
                ("200", "USER_DISABLED"),
                *([("INVALID_TOKEN", "200")] if way == "reset" else []),
            }
            if left == "200":
                assert await live_sessions(house) == 0
                assert reason(await house.caller().log_in(email)) != "200"
            else:
                ended = await her.end("/me", bearer=access(tokens(answers[1])))
                assert reason(ended) == "200"
        assert await house.rows("users", "departures") == {"users": ROUNDS, "departures": ROUNDS}


@pytest.mark.parametrize("way", WAYS)
async def test_of_one_who_is_removed_at_once_nothing_is_left(
    tmp_path: Path, persistence: Persistence, way: str
) -> None:
    """By a mailed code she may come back as somebody new, and then she is wholly so."""
    async with (
        open_house(tmp_path, persistence) as house,
        opened_office(load(house.settings, {})) as office,
    ):
        former: set[str] = set()
        for number in range(ROUNDS):
            email = f"ada{number}@example.com"
            her, pair, code = await settle(house, email, way)
            user_id = (await her.info(access(pair))).json()["user_id"]
            _, answer = await asyncio.gather(
                office.delete(user_id, now=True, by="test"), WAYS[way](house.caller(), email, code)
            )
            new = way == "code" and answer.is_success
            former = await whole(house, user_id, former, new=new)
            assert reason(await house.caller().refresh(refresh(pair))) != "200"


async def whole(house: House, gone: str, former: set[str], *, new: bool) -> set[str]:
    """Nothing is hers who is gone; whoever is there has an address, and each session its user.

    Those who are there; none but the `former` unless she came back as somebody `new`.
    """
    db = house.app.database
    t = db.tables
    for table in (t.emails, t.identities, t.credentials, t.sessions, t.departures, t.events):
        assert await db.fetch(table.select().where(table.user_id == gone)) == [], table
    users = {row["id"] for row in await db.fetch(t.users.select())}
    owners = [row["user_id"] for row in await db.fetch(t.emails.select())]
    holders = {row["user_id"] for row in await db.fetch(t.sessions.select())}
    assert gone not in users
    assert sorted(users) == sorted(owners)
    assert holders <= users
    assert new or not users - former
    return users


@pytest.fixture
def place(postgres_server: Persistence, postgres_template: str) -> Iterator[Persistence]:
    with servers.fresh_database(postgres_server, postgres_template) as fresh:
        yield fresh


async def waiting(place: Persistence, unless: asyncio.Task[Any]) -> None:
    """Until somebody waits for a lock."""
    end = time.monotonic() + 10
    while not unless.done() and (await servers.tell(place, WAITING))[0]["n"] < 1:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def test_a_login_that_waits_for_the_deletion_finds_her_gone(
    tmp_path: Path, place: Persistence
) -> None:
    """Held up between its judgement and its transaction, it judges anew."""
    async with open_house(tmp_path, place) as house:
        _, pair, _ = await settle(house, "ada@example.com", "password")
        line = await asyncpg.connect(
            host=place.host, port=place.port, user=place.user, database=place.name
        )
        await line.execute("BEGIN")
        await line.execute("UPDATE identra_users SET created_at = created_at")
        coming = asyncio.create_task(house.caller().log_in("ada@example.com", PASSWORD))
        await waiting(place, unless=coming)
        await line.execute("DELETE FROM identra_users")
        await line.execute("COMMIT")
        await line.close()
        assert reason(await coming) == "INVALID_CREDENTIALS"
        rows = await house.rows("users", "sessions", "emails", "credentials")
        assert set(rows.values()) == {0}
        assert reason(await house.caller().info(access(pair))) == "INVALID_TOKEN"
