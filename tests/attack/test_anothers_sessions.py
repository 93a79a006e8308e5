"""Attack: see or end the sessions of somebody else, or have two endings of one's own both win."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from callers import Caller, House, access, open_house, reason, tokens
from forging import opened

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from identra.settings import Persistence

ADA, EVE = "ada@example.com", "eve@example.com"
UNKNOWN = "01a20ef9-e2b4-7c1a-9d35-8a4fb1c0f7d2"
IMMEDIATE = {"password": {"registration": "immediate"}}


def session_of(token: str) -> str:
    sid: str = opened(token)[1]["sid"]
    return sid


def whole(answer: httpx.Response) -> tuple[int, str, dict[str, str]]:
    """All of an answer but what names the one call."""
    own = {answer.headers["x-request-id"], answer.headers["x-attempt-id"]}
    headers = {n: v for n, v in answer.headers.items() if v not in own and n != "date"}
    return answer.status_code, answer.text.replace(answer.headers["x-request-id"], ""), headers


async def revocations(house: House) -> Counter[str]:
    """How often each session's end was recorded, and the ends of many at once."""
    t = house.app.database.tables.events
    rows = await house.app.database.fetch(t.select(t.data).where(t.name == "session.revoked"))
    told = (json.loads(row["data"]) for row in rows)
    return Counter(said.get("session") or f"{said['sessions']} of hers" for said in told)


async def sign_in(her: Caller, times: int) -> list[str]:
    return [access(tokens(await her.log_in(ADA))) for _ in range(times)]


async def test_anothers_session_is_neither_seen_nor_ended(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Another's, one that is over and one that never was are one answer, to the byte."""
    async with open_house(tmp_path, persistence) as house:
        ada, hers = await house.owner(ADA)
        eve, evil = await house.owner(EVE)
        over = access(tokens(await eve.refresh(evil["refresh_token"]["token"])))
        _, more = await house.owner("eve.too@example.com")
        theirs = session_of(access(hers))
        assert [s["id"] for s in await eve.sessions(over)] == [session_of(over)]
        await house.caller().say("/logout", bearer=access(more))
        told = []
        for session in (theirs, session_of(access(more)), UNKNOWN, "x", theirs.upper()):
            answer = await eve.end(f"/me/sessions/{session}", bearer=over)
            assert reason(answer) == "NOT_FOUND", session
            told.append(whole(answer))
        assert all(answer == told[0] for answer in told)
        assert reason(await eve.end("/me/sessions", bearer=over)) == "200"
        assert reason(await ada.info(access(hers))) == "200"
        assert await revocations(house) == {session_of(access(more)): 1, "1 of hers": 1}


async def test_ended_many_times_at_once_a_session_ends_once_on_record(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        her = house.caller()
        own = access(tokens(await her.register(ADA)))
        (other,) = await sign_in(her, 1)
        path = f"/me/sessions/{session_of(other)}"
        answers = await asyncio.gather(*(her.end(path, bearer=own) for _ in range(10)))
        assert sorted(map(reason, answers)) == ["200", *["NOT_FOUND"] * 9]
        assert await revocations(house) == {session_of(other): 1}
        last = await asyncio.gather(*(her.say("/logout", bearer=own) for _ in range(10)))
        assert set(map(reason, last)) <= {"200", "INVALID_TOKEN"}
        assert await revocations(house) == {session_of(other): 1, session_of(own): 1}


@pytest.mark.parametrize("how", ["each other", "all but this"])
async def test_of_sessions_that_end_one_another_at_once_one_is_left(
    tmp_path: Path, persistence: Persistence, how: str
) -> None:
    """A thief's session that was ended first ends nothing any more, be her call under way."""
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        her = house.caller()
        await her.register(ADA)
        for _ in range(5):
            one, other = await sign_in(her, 2)
            if how == "each other":
                calls = (
                    her.end(f"/me/sessions/{session_of(mine)}", bearer=bearer)
                    for mine, bearer in ((one, other), (other, one))
                )
            else:
                calls = (her.end("/me/sessions", bearer=b, keep="current") for b in (one, other))
            said = sorted(map(reason, await asyncio.gather(*calls)))
            assert said == ["200", "INVALID_TOKEN"]
            left = [reason(await her.info(token)) for token in (one, other)]
            assert sorted(left) == ["200", "INVALID_TOKEN"]
