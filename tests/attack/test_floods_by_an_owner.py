"""The attacker has an account of her own, and does what it allows her as fast as she can: the mail
of all others waits in the same queue, and their calls in the same worker.
"""

from __future__ import annotations

import asyncio
import gc
import json
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest
from callers import Caller, access, open_house, reason
from homes import PASSWORD, code_for, mails_to

from identra.dossier import MOST
from identra.lasting import making
from identra.limits import ACCOUNT
from identra.secret import uuid7

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    import httpx
    from callers import House
    from clock import FrozenClock

    from identra.settings import Persistence

EVE, FURTHER = "eve@example.com", "eve@work.example.com"
(HOURLY,) = ACCOUNT
OTHER = "another horse battery staple"
PARTS = 9
"""In so many parts at least is a long answer made, and others have their turn in between."""
TRIES = 3
"""The machine falters now and then; what the export itself costs, it costs each time."""


async def promote(who: Caller, bearer: str, turn: int) -> httpx.Response:
    headers = {"Authorization": f"Bearer {bearer}", "X-Forwarded-For": who.network}
    body = {"email": (EVE, FURTHER)[turn % 2]}
    return await who.http.put("/me/addresses/primary", json=body, headers=headers)


async def change(who: Caller, bearer: str, turn: int) -> httpx.Response:
    new, old = (OTHER, PASSWORD) if turn % 2 else (PASSWORD, OTHER)
    body = {"password": new, "current_password": old}
    return await who.say("/me/password", body, bearer=bearer)


async def export(who: Caller, bearer: str, _turn: int) -> httpx.Response:
    return await who.ask("/me/export", bearer=bearer)


async def settle(house: House) -> tuple[Caller, str]:
    """Eve, who has a password and two addresses of her own, the further one primary."""
    eve, pair = await house.owner(EVE)
    bearer = access(pair)
    assert reason(await eve.say("/me/password", {"password": PASSWORD}, bearer=bearer)) == "200"
    await eve.say("/me/addresses", {"email": FURTHER}, bearer=bearer)
    body = {"email": FURTHER, "code": code_for(house.app, FURTHER)}
    assert reason(await eve.say("/me/addresses/confirm", body, bearer=bearer)) == "200"
    return eve, bearer


@pytest.mark.parametrize("act", [promote, change, export])
async def test_what_costs_others_is_done_so_often_in_an_hour(
    tmp_path: Path,
    persistence: Persistence,
    clock: FrozenClock,
    act: Callable[[Caller, str, int], Awaitable[httpx.Response]],
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        eve, bearer = await settle(house)
        before = len(mails_to(house.app, EVE))
        answers = [reason(await act(eve, bearer, turn)) for turn in range(1, HOURLY.most + 3)]
        assert answers.count("RATE_LIMITED") >= 2
        assert answers[-1] == "RATE_LIMITED"
        assert len(mails_to(house.app, EVE)) - before <= HOURLY.most


@pytest.mark.long
@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_an_account_with_a_long_history_keeps_nobody_waiting_when_it_is_exported(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        eve, bearer = await settle(house)
        user_id = (await eve.info(bearer)).json()["user_id"]
        await _live_long(house, user_id)
        with lasting():
            shares = [await _longest_share(eve, bearer) for _ in range(TRIES)]
        assert min(shares) < 1 / PARTS


async def _longest_share(eve: Caller, bearer: str) -> float:
    """For how much of the time of an export somebody else waited in one piece."""
    waits: list[float] = []
    over = asyncio.Event()
    watching, began = asyncio.create_task(_watch(waits, over)), monotonic()
    told = await export(eve, bearer, 0)
    took = monotonic() - began
    over.set()
    await watching
    assert len(told.json()["attempts"]) == MOST
    return max(waits) / took


@contextmanager
def lasting() -> Iterator[None]:
    """What this process holds by now is left alone by the garbage collector, as in a service."""
    with making():
        gc.collect()
    yield
    gc.unfreeze()


async def _watch(waits: list[float], over: asyncio.Event) -> None:
    """How long whoever wants the loop's turn waits for it."""
    while not over.is_set():
        began = monotonic()
        await asyncio.sleep(0.01)
        waits.append(monotonic() - began - 0.01)


async def _live_long(house: House, user_id: str) -> None:
    """As many attempts as an export tells, each as long as most are."""
    db, steps = house.app.database, [[n, "decided", {"does": "enters"}] for n in range(6)]
    t, trail = db.tables.attempts, json.dumps({"ms": 1, "detail": "", "steps": steps})
    row: dict[str, Any] = {
        "at": 1,
        "act": "secret.complete",
        "provider": "password",
        "outcome": "SUCCEEDED",
        "user_id": user_id,
        "subject": "",
        "request_id": "",
        "peer": "",
        "trail": trail,
    }
    async with db.transaction():
        for _ in range(MOST // 500):
            await db.change(t.insert(*(t(id=uuid7(), **row) for _ in range(500))))
