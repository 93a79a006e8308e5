"""A request has four seconds for its stores in all, however many questions it asks them."""

from __future__ import annotations

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
from identra.deadline import one_deadline
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
    calls = {
        name: call
        for name, call in vars(use_case).items()
        if not name.startswith("_") and (use_case, name) not in LONG
    }
    assert calls
    assert all(hasattr(call, "__wrapped__") for call in calls.values()), calls


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
