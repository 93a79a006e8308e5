"""Attack: guess the secret by which a service may ask what tokens are worth."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from callers import ASKED, CLIENT, Caller, access, open_house, reason

from identra.limits import FAILING_CLIENT

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
WRONG = (
    (CLIENT[0], ""),
    (CLIENT[0], CLIENT[1][:-1]),
    (CLIENT[0], CLIENT[1].upper()),
    (CLIENT[0], "\u0130"),
    ("", ""),
    ("", CLIENT[1]),
    ("other", CLIENT[1]),
    ("Orders", CLIENT[1]),
    None,
)
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


async def test_past_the_allowance_no_guess_is_told(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """A right one neither, or the guess would be told by the answer."""
    async with open_house(tmp_path, persistence, sections=ASKED, clock=clock) as house:
        guesser, service = house.caller(), house.caller()
        for number in range(FAILING_CLIENT.most):
            answer = await guesser.introspect("x", ("orders", f"guess {number}"))
            assert reason(answer) == "INVALID_CREDENTIALS"
        for login in (*WRONG, CLIENT):
            answer = await guesser.introspect("x", login)
            assert reason(answer) == "RATE_LIMITED"
            assert 1 <= int(answer.headers["retry-after"]) <= FAILING_CLIENT.window
        assert (await service.introspect("x", CLIENT)).json() == {"active": False}
        clock.advance(FAILING_CLIENT.window)
        assert (await guesser.introspect("x", CLIENT)).json() == {"active": False}


async def test_a_burst_of_guesses_is_told_no_more_than_the_allowance(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=ASKED, clock=clock) as house:
        guesser = house.caller()
        burst = (guesser.introspect("x", ("orders", f"guess {n}")) for n in range(40))
        told = [reason(answer) for answer in await asyncio.gather(*burst)]
        assert told.count("INVALID_CREDENTIALS") == FAILING_CLIENT.most
        assert set(told) == {"INVALID_CREDENTIALS", "RATE_LIMITED"}
        assert reason(await guesser.introspect("x", CLIENT)) == "RATE_LIMITED"


@Sqlite
async def test_asking_rightly_is_never_limited(tmp_path: Path, persistence: Persistence) -> None:
    async with open_house(tmp_path, persistence, sections=ASKED) as house:
        _, pair = await house.owner(ADA)
        service = house.caller()
        burst = (service.introspect(access(pair), CLIENT) for _ in range(FAILING_CLIENT.most * 5))
        assert all(answer.json()["active"] for answer in await asyncio.gather(*burst))


@Sqlite
async def test_every_wrong_login_has_one_answer(tmp_path: Path, persistence: Persistence) -> None:
    """Whether the id, the secret or the scheme is wrong, and whether the token holds."""
    async with open_house(tmp_path, persistence, sections=ASKED) as house:
        _, pair = await house.owner(ADA)
        told = set()
        for login in WRONG:
            for token in (access(pair), "x"):
                answer = await house.caller().introspect(token, login)
                own = answer.headers["x-request-id"]
                challenge = answer.headers["www-authenticate"]
                told.add((answer.status_code, challenge, answer.text.replace(own, "")))
        for header in _headers(house.caller(), access(pair)):
            answer = await house.http.post("/introspect", data={"token": "x"}, headers=header)
            own = answer.headers["x-request-id"]
            challenge = answer.headers["www-authenticate"]
            told.add((answer.status_code, challenge, answer.text.replace(own, "")))
        assert len(told) == 1
        ((status, challenge, _),) = told
        assert (status, challenge) == (401, 'Basic realm="introspection"')


def _headers(caller: Caller, token: str) -> list[dict[str, str]]:
    """What is no login by HTTP Basic; a person's own token among it."""
    said = ("Basic", "Basic !", "Basic b3JkZXJz", "Basic /w==", "Basic " + "A" * 4000)
    others = (f"Bearer {token}", f"Basic {token}", "Digest x", "")
    return [
        {"Authorization": header, "X-Forwarded-For": caller.network} for header in (*said, *others)
    ]
