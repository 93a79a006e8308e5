"""Attack: two who claim each other's address each bind a key that proves the other's.

Each binding shuts out the other; neither may be stuck on what the other holds.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from homes import HERE, PASSWORD, open_home
from standin.github import Email, GitHub, Person

from identra.binding import Bound
from identra.errors import InvalidToken
from identra.roundtrip import Departure, Return

if TYPE_CHECKING:
    from pathlib import Path

    from identra.app import App
    from identra.settings import Persistence

PAIRS = 8


async def claim(app: App, name: str) -> str:
    pair = await app.registration.begin("password", f"{name}@example.com", PASSWORD, HERE)
    assert pair is not None
    return pair.access_token.token


async def leave(app: App, github: GitHub, bearer: str, number: int, proves: str) -> Return:
    github.welcome(Person(number, proves, (Email(f"{proves}@example.com"),)))
    prompt = await app.login.begin_oauth(Departure("github"), HERE, bearer=bearer)
    told = github.approve(prompt.url)
    return Return(told["code"], told["state"])


async def test_of_two_who_shut_each_other_out_the_first_stays(
    tmp_path: Path, persistence: Persistence
) -> None:
    github = GitHub()
    section = {
        "client_id": github.client_id,
        "client_secret": github.client_secret,
        "redirect_url": github.callback,
    }
    sections = {"password": {"registration": "immediate"}, "providers.github": section}
    async with open_home(
        tmp_path, persistence, sections=sections, transport=github.transport()
    ) as app:
        for turn in range(PAIRS):
            one, other = f"one{turn}", f"other{turn}"
            bearers = [await claim(app, one), await claim(app, other)]
            backs = [
                await leave(app, github, bearers[0], 100 + turn, other),
                await leave(app, github, bearers[1], 200 + turn, one),
            ]
            outcomes = await asyncio.gather(
                *(app.binding.bind(b, back, HERE) for b, back in zip(bearers, backs, strict=True)),
                return_exceptions=True,
            )
            assert {type(outcome) for outcome in outcomes} == {Bound, InvalidToken}, outcomes
