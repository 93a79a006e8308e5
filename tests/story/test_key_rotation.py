"""Keys that rotate themselves: by whoever comes first, at the database's time, losing nothing."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
from callers import IMMEDIATE, access, open_house, reason, refresh, tokens
from homes import open_home

from identra.app import keyring, opening
from identra.app.keeping import rotate_or_warn
from identra.db import open_database
from identra.errors import StoreUnavailable
from identra.events import Events
from identra.keys import Keys
from identra.keys.nouns import MARGIN
from identra.values import DAY, HOUR, SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from callers import House
    from clock import FrozenClock

    from identra.app import App, Workshop
    from identra.settings import Persistence

ADA = "ada@example.com"
LIVES = {"auth": {"refresh_token_expiration": "400d", "session_max_age": "400d"}}


def workshop(app: App, clock: FrozenClock) -> Workshop:
    return keyring.workshop(app.settings, app.database, clock)


async def states(app: App) -> list[str]:
    """The states of the signing keys, the oldest first."""
    t = app.database.tables.keys
    query = t.select(t.state).where(t.purpose == "sig").order_by(t.created_at, t.id)
    return [row["state"] for row in await app.database.fetch(query)]


async def events(app: App) -> list[str]:
    t = app.database.tables.events
    rows = await app.database.fetch(t.select(t.name).order_by(t.at, t.id))
    return [row["name"] for row in rows if row["name"].startswith("key.")]


async def published(house: House) -> set[str]:
    answer = await house.caller().ask("/.well-known/jwks.json")
    return {key["kid"] for key in answer.json()["keys"]}


async def test_a_rotation_goes_through_its_states_and_every_live_token_stays_good(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    sections = IMMEDIATE | LIVES
    async with open_house(tmp_path, persistence, sections=sections, clock=clock) as house:
        rotation = workshop(house.app, clock).rotation
        owner, pair = await house.owner(ADA)
        before = await published(house)
        assert (await rotation.rotate()).done == ()
        clock.advance(89 * DAY / SECOND)
        (done,) = (await rotation.rotate()).done
        assert (done.did, done.signs_from) == ("published", clock() + DAY)
        await house.app.keys.load()
        assert await published(house) == before | {done.kid}
        clock.advance(DAY / SECOND - 1)
        assert (await rotation.rotate()).done == ()
        pair = tokens(await owner.refresh(refresh(pair)))
        old = access(pair)
        clock.advance(1)
        rotated = await rotation.rotate()
        assert [(each.did, each.kid) for each in rotated.done] == [("promoted", done.kid)]
        await house.app.keys.load()
        pair = tokens(await owner.refresh(refresh(pair)))
        assert await published(house) == before | {done.kid}
        for token in (old, access(pair)):
            assert reason(await owner.info(token)) == "200"
        assert rotated.next is not None
        assert rotated.next.at == clock() + 15 * 60 * SECOND + MARGIN
        clock.advance((15 * 60 * SECOND + MARGIN) / SECOND)
        assert [each.did for each in (await rotation.rotate()).done] == ["retired"]
        await house.app.keys.load()
        assert await published(house) == {done.kid}
        assert await states(house.app) == ["retired", "active"]
        assert await events(house.app) == [
            *("key.activated", "key.activated"),
            *("key.published", "key.activated", "key.retired"),
        ]


async def test_nothing_of_a_retired_key_is_kept_but_its_public_part(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        rotation = workshop(app, clock).rotation
        for days in (89, 1, 1):
            clock.advance(days * DAY / SECOND)
            await rotation.rotate()
        t = app.database.tables.keys
        row = await app.database.first(t.select().where(t.state == "retired"))
        assert row is not None
        assert (row["sealed"], row["slot"]) == ("", None)
        await app.keys.load()


async def test_of_many_processes_that_rotate_at_once_one_does_each_step(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Each with a database of its own, and a machine's clock a minute from the other's."""
    async with open_home(tmp_path, persistence, clock=clock) as app:
        others = [await open_database(persistence, clock=clock) for _ in range(4)]
        shops = [
            keyring.workshop(app.settings, db, lambda skew=skew: clock() + skew * 60 * SECOND)
            for skew, db in enumerate(others)
        ]
        for days, did in ((89, "published"), (1, "promoted"), (1, "retired")):
            clock.advance(days * DAY / SECOND)
            rotated = await asyncio.gather(*(shop.rotation.rotate() for shop in shops))
            done = [each.did for one in rotated for each in one.done]
            assert done == [did]
        assert await states(app) == ["retired", "active"]
        for db in others:
            await db.close()


async def test_a_hasty_rotation_waits_for_twice_the_max_age_and_no_longer(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        rotation = workshop(app, clock).rotation
        rotated = await rotation.hasten()
        (done,) = rotated.done
        assert (done.did, done.signs_from) == ("published", clock() + 606 * SECOND)
        clock.advance(605)
        assert (await rotation.hasten()).done == ()
        clock.advance(1)
        assert [each.did for each in (await rotation.rotate()).done] == ["promoted"]


async def test_a_key_that_waits_a_day_can_be_hastened(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        shop = workshop(app, clock)
        added = await shop.orders.add()
        clock.advance(3600)
        assert [each.kid for each in (await shop.rotation.hasten()).done] == [added.kid]
        assert await states(app) == ["former", "active"]


async def test_another_algorithm_in_the_settings_is_a_rotation(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    never = {"keys": {"rotate_every": "never", "algorithm": "RS256"}}
    async with open_house(tmp_path, persistence, sections=IMMEDIATE | never, clock=clock):
        pass
    never = {"keys": {"rotate_every": "never", "algorithm": "ES256"}}
    async with open_house(tmp_path, persistence, sections=IMMEDIATE | never, clock=clock) as house:
        rotation = workshop(house.app, clock).rotation
        assert [each.did for each in (await rotation.rotate()).done] == ["published"]
        _, pair = await house.owner(ADA)
        clock.advance(DAY / SECOND)
        await rotation.rotate()
        await house.app.keys.load()
        assert house.app.keys.signer().algorithm == "ES256"
        assert house.app.keys.published().algorithms == ("ES256", "RS256")
        owner = house.caller()
        assert tokens(await owner.refresh(refresh(pair)))
        clock.advance(HOUR / SECOND)
        assert [each.did for each in (await rotation.rotate()).done] == ["retired"]
        assert (await rotation.rotate()).next is None


async def test_a_key_is_kept_for_the_longest_tokens_that_any_node_signs(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """One node still signs for two hours while the node that rotates knows of 15 minutes."""
    long = {"auth": {"access_token_expiration": "2h"}}
    async with open_home(tmp_path, persistence, sections=long, clock=clock):
        pass
    async with open_home(tmp_path, persistence, clock=clock) as app:
        rotation = workshop(app, clock).rotation
        for days in (89, 1):
            clock.advance(days * DAY / SECOND)
            rotated = await rotation.rotate()
        assert rotated.next is not None
        assert rotated.next.at == clock() + 2 * HOUR + MARGIN


async def test_the_running_service_rotates_by_itself_and_signs_with_the_new_key(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        before = app.keys.signer().kid
        clock.advance(89 * DAY / SECOND)
        await rotate_or_warn(workshop(app, clock).rotation, app.keys)
        assert len(app.keys.ring.verifiers) == 2
        clock.advance(DAY / SECOND)
        await rotate_or_warn(workshop(app, clock).rotation, app.keys)
        assert app.keys.signer().kid != before


class Ticks:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


async def test_a_process_that_can_not_read_the_ring_for_two_minutes_goes_by_it_no_more(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Its tokens would outlive the key, and a revoked one would be believed; verifiers elsewhere
    go on reading the key set."""
    async with open_home(tmp_path, persistence, clock=clock) as app:
        ticks = Ticks()
        master = opening.master.read_files(app.settings.keys.master_key_files)
        steps = opening.steps(app.settings, app.database, master, Events(app.database, clock))
        keys = Keys(app.database, master, steps, opening.system_clock, ticks)
        await keys.load()
        t = app.database.tables.keys
        row = await app.database.first(t.select().where(t.purpose == "sig"))
        assert row is not None
        await app.database.change(t.update({t.public: "no JSON"}).where(t.id == row["id"]))
        ticks.seconds += 120
        await keys.reload_or_warn()
        assert keys.signer().kid == row["id"]
        ticks.seconds += 1
        await keys.reload_or_warn()
        with pytest.raises(StoreUnavailable):
            keys.signer()
        with pytest.raises(StoreUnavailable):
            await keys.verifier(row["id"])
        with pytest.raises(StoreUnavailable):
            await keys.secret(keys.ring.secret.secret_id)
        assert row["id"] in keys.published().body.decode()
        await app.database.change(t.update({t.public: row["public"]}).where(t.id == row["id"]))
        await keys.reload_or_warn()
        assert keys.signer().kid == row["id"]


async def test_a_key_set_is_cached_for_as_long_as_the_settings_say(
    tmp_path: Path, persistence: Persistence
) -> None:
    short = {"keys": {"jwks_max_age": "20s", "algorithm": "ES256"}}
    async with open_house(tmp_path, persistence, sections=short) as house:
        answer = await house.caller().ask("/.well-known/jwks.json")
        assert answer.headers["cache-control"] == "public, max-age=20"
        assert json.loads(answer.text)["keys"][0]["alg"] == "ES256"
