"""Attack: have a binding under way while all sessions of the account are ended, by an operator or
by its owner.

A binding opens a session that goes by the caller's own. When all of them are ended, that one must
not come after, be the two as close as a database lets them be.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import asyncpg
import pytest
import servers
from homes import HERE, code_for, open_home
from standin.github import Email, GitHub, Person

from identra.app import opened_office
from identra.errors import IdentraError
from identra.roundtrip import Departure, Return
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from identra.app import App
    from identra.settings import Persistence

ADA = "ada@example.com"
EVE = Person(6, "eve", (Email("eve@example.com"),))
WAITING = """SELECT count(*) AS n FROM pg_stat_activity
WHERE datname = current_database() AND wait_event_type = 'Lock'"""


@pytest.fixture
def place(postgres_server: Persistence, postgres_template: str) -> Iterator[Persistence]:
    with servers.fresh_database(postgres_server, postgres_template) as fresh:
        yield fresh


@asynccontextmanager
async def standing_in_the_way(place: Persistence) -> AsyncIterator[None]:
    """Somebody else is about to hold Eve's identity: whoever writes it must wait."""
    line = await asyncpg.connect(
        host=place.host, port=place.port, user=place.user, database=place.name
    )
    await line.execute("BEGIN")
    await line.execute("INSERT INTO identra_users (id, created_at) VALUES ('x', 1)")
    await line.execute("INSERT INTO identra_identities VALUES ('x', 'x', 'github', '6', '', 1, 1)")
    try:
        yield
    finally:
        await line.execute("ROLLBACK")
        await line.close()


async def waiting(place: Persistence, many: int, unless: asyncio.Future[object]) -> None:
    end = time.monotonic() + 10
    while not unless.done() and (await servers.tell(place, WAITING))[0]["n"] < many:
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def bind(app: App, github: GitHub, bearer: str) -> str:
    prompt = await app.login.begin_oauth(Departure("github"), HERE, bearer=bearer)
    told = github.approve(prompt.url)
    bound = await app.binding.bind(bearer, Return(told["code"], told["state"]), HERE)
    return bound.token.access_token.token


async def sign_in(app: App) -> str:
    await app.login.begin_code("email", ADA, HERE, use_html=False)
    pair = await app.login.complete_code("email", ADA, code_for(app, ADA), HERE, bearer=None)
    return pair.access_token.token


@pytest.mark.parametrize("who", ["operator", "owner", "owner, keeping her own"])
async def test_a_binding_under_way_ends_with_all_the_others(
    tmp_path: Path, place: Persistence, who: str
) -> None:
    github = GitHub()
    github.welcome(EVE)
    section = {
        "client_id": github.client_id,
        "client_secret": github.client_secret,
        "redirect_url": github.callback,
    }
    async with (
        open_home(
            tmp_path,
            place,
            sections={"providers.github": section},
            transport=github.transport(),
        ) as app,
        opened_office(load(tmp_path / "identra.toml", {})) as office,
    ):
        stolen, own = await sign_in(app), await sign_in(app)
        async with standing_in_the_way(place):
            binding = asyncio.create_task(bind(app, github, stolen))
            await waiting(place, 1, unless=binding)
            ending: asyncio.Task[object] = asyncio.create_task(
                office.revoke_sessions(ADA, by="test")
                if who == "operator"
                else app.devices.end_all(own, keep_current=who != "owner")
            )
            await waiting(place, 2, unless=ending)
        await ending
        bearer = await binding
        with pytest.raises(IdentraError, match="the session is over"):
            await app.account.login_info(bearer)
