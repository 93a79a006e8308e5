"""A request has four seconds for its stores in all, however many questions it asks them."""

from __future__ import annotations

import asyncio
import inspect
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import servers
from cable import Cable
from homes import HERE, code_for, open_home

from identra.account import Account
from identra.addresses import Addresses
from identra.binding import Binding
from identra.db import open_database
from identra.deadline import PARTING, elsewhere, having_waited, one_deadline, time_left
from identra.departure import Departure
from identra.errors import StoreUnavailable
from identra.identities import Identities
from identra.login import Login
from identra.office import Office
from identra.passwords import Passwords
from identra.refresh import Refresh
from identra.registration import Registration
from identra.reset import Reset

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from identra.settings import Persistence

ADA = "ada@example.com"
SLACK = 0.5
"""Seconds that a busy machine may take for what takes none."""


@pytest.fixture
def place(postgres_server: Persistence, postgres_template: str) -> Iterator[Persistence]:
    with servers.fresh_database(postgres_server, postgres_template) as fresh:
        yield fresh


@pytest.fixture
async def cable(place: Persistence) -> AsyncIterator[Cable]:
    async with Cable.to(place.host, place.port or 5432) as laid:
        yield laid


async def test_a_slow_database_is_given_up_in_time_and_leaves_nothing_half_done(
    tmp_path: Path, place: Persistence, cable: Cable
) -> None:
    """Each answer comes well within its own limit; there are just too many of them."""
    by_cable = place.model_copy(update={"host": "127.0.0.1", "port": cable.port})
    async with open_home(tmp_path, by_cable) as app:
        await app.login.begin_code("email", ADA, HERE, use_html=False)
        code = code_for(app, ADA)
        cable.slowness = 0.1
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await app.login.complete_code("email", ADA, code, HERE, bearer=None)
        assert 3 < time.monotonic() - began < 5
        cable.slowness = 0.0
        assert (await app.office.list(limit=1)).users == ()
        for turn in range(20):
            await app.office.list(limit=turn + 1)


HALL = (
    *(Account, Addresses, Binding, Departure, Identities),
    *(Login, Office, Passwords, Refresh, Registration, Reset),
)
LONG = ((Office, "export"), (Office, "delete"))
"""What walks through all that is kept of somebody, however much that is."""


@pytest.mark.parametrize("use_case", HALL)
def test_no_call_of_the_hall_is_without_a_deadline(use_case: type) -> None:
    """None that waits for anything: what returns at once needs none."""
    calls = {
        name: call
        for name, call in vars(use_case).items()
        if not name.startswith("_") and (use_case, name) not in LONG and _waits(call)
    }
    assert calls
    assert all(hasattr(call, "__wrapped__") for call in calls.values()), calls


def _waits(call: object) -> bool:
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)


async def test_undoing_counts_as_well(place: Persistence, cable: Cable) -> None:
    """A transaction that a silent server leaves behind takes its share of the four seconds."""
    db = await open_database(place.model_copy(update={"host": "127.0.0.1", "port": cable.port}))

    async def fall_silent() -> None:
        async with db.transaction():
            await db.ping()
            cable.deaden()
            await db.ping()

    @one_deadline
    async def ask_again_and_again() -> None:
        for ask in (fall_silent, db.ping, db.ping, db.ping):
            with suppress(StoreUnavailable):
                await ask()

    began = time.monotonic()
    await ask_again_and_again()
    assert time.monotonic() - began < 4.5
    cable.mend()
    await db.close()


async def test_what_a_request_waited_for_a_worker_is_charged_to_it(
    place: Persistence, cable: Cable
) -> None:
    """Whoever waited for three seconds waits for a silent database one second more."""
    db = await open_database(place.model_copy(update={"host": "127.0.0.1", "port": cable.port}))
    asking = one_deadline(db.ping)
    cable.deaden()
    for waited, most in ((3.0, 1.0), (60.0, PARTING)):
        began = time.monotonic()
        with having_waited(waited), pytest.raises(StoreUnavailable):
            await asking()
        assert time.monotonic() - began < most + SLACK
    cable.mend()
    await db.close()


async def test_a_provider_has_what_is_left_of_its_time_and_stores_end_soon_after() -> None:
    """However long stores took before: the whole is answered in ten seconds."""

    @one_deadline
    async def ask() -> tuple[float, float, float | None]:
        before = elsewhere(9.0)
        await asyncio.sleep(0.3)
        return before, elsewhere(9.0), time_left()

    with having_waited(8.5):
        before, then, stores = await ask()
    assert before == pytest.approx(0.5, abs=0.1)
    assert then < before - 0.25
    assert stores == PARTING
    assert elsewhere(9.0) == 9.0
