"""What happens is told to those who asked for it, once at least and in order, whatever they do."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
from callers import House, access, open_house
from standin.receiver import SECRET, Receiver
from standin.sites import open_site

from identra.users import Departures
from identra.values import DAY, SECOND, rfc3339

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
FIRST_LOGIN = ["user.created", "address.proved", "login.succeeded"]
OF_PEOPLE = ["user.*", "address.*", "login.*", "session.*"]
PATIENCE = 10


@asynccontextmanager
async def told(
    folder: Path, place: Persistence, clock: FrozenClock, receiver: Receiver, **said: Any
) -> AsyncIterator[House]:
    """A house that tells a receiver, by the settings' section of the target `app`."""
    with open_site(receiver) as site:
        section = {"url": f"{site.base_url}/hooks", "secrets": [SECRET], "allow_private": True}
        section |= {"events": OF_PEOPLE}
        sections = {"webhooks.app": section | said}
        async with open_house(folder, place, sections=sections, clock=clock) as house:
            yield house


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - what is awaited happens in threads of the receiver
            await asyncio.sleep(0.01)


async def test_a_first_login_is_told_in_the_order_of_its_events(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Signed by the secret, with the instant and the user of the event, and nothing secret."""
    receiver = Receiver()
    async with told(tmp_path, persistence, clock, receiver) as house:
        await house.owner(ADA)
        await until(lambda: len(receiver.heard) >= len(FIRST_LOGIN))
        t = house.app.database.tables.events
        rows = {row["id"]: row for row in await house.app.database.fetch(t.select())}
    assert receiver.forged == []
    assert receiver.types() == FIRST_LOGIN
    for message in receiver.heard:
        row = rows[message.id]
        assert message.body["timestamp"] == rfc3339(row["at"])
        assert message.at == clock() // SECOND
        assert message.body["data"]["user_id"] == row["user_id"]
        assert ADA not in str(message.body)
        assert message.path == "/hooks"


async def test_of_somebody_who_is_gone_it_is_told_that_she_is_and_nothing_else(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Whatever still waits to be told of her goes with her, and holds nothing back."""
    receiver = Receiver(
        reply=lambda message: httpx.Response(204 if message.type == "user.deleted" else 503)
    )
    async with told(tmp_path, persistence, clock, receiver) as house:
        her, pair = await house.owner(ADA)
        user_id = (await her.info(access(pair))).json()["user_id"]
        assert (await her.end("/me", bearer=access(pair))).status_code == 200
        assert (await house.rows("dispatches"))["dispatches"] > len(FIRST_LOGIN)
        clock.advance(14 * DAY // SECOND)
        users = house.app.users
        assert await Departures(house.app.database, users, users._events).remove(user_id)
        async with asyncio.timeout(PATIENCE):
            while not receiver.heard:  # what is sent at this moment lets those behind it rest
                clock.advance(5)
                await asyncio.sleep(0.01)
        assert receiver.types() == ["user.deleted"]
        assert receiver.heard[0].body["data"]["user_id"] == user_id
