"""Attempts are kept whole, on every database, whatever becomes of it meanwhile, for a while."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from identra.attempts import AttemptLog, Attempts
from identra.attempts.keeping import BATCHES, ROOM, values_of
from identra.attempts.ration import EACH
from identra.db import Duplicate, open_database
from identra.errors import StoreUnavailable
from identra.housekeeping import ATTEMPTS_KEPT, Housekeeping
from identra.secret import uuid7
from identra.trail import LENGTH, SUCCEEDED, Trail, about, attempt, step, subject_of
from identra.values import SECOND, Peer

if TYPE_CHECKING:
    from clock import FrozenClock

    from identra.db import Database
    from identra.settings import Persistence
    from identra.trail import Attempt

ADA = "ada@example.com"


class Entrance:
    """A use case of this test's own."""

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts

    @attempt("code.complete")
    async def enter(self, peer: Peer) -> None:  # noqa: ARG002 - it is followed
        about(provider="email", subject=ADA)
        step("code.right", guess="1")
        step("asserted", provider="e" * 500, address="☃" * 100, trust="a\0b")


def over(outcome: str = SUCCEEDED, network: str = "192.0.2.1", attempt_id: str = "") -> Attempt:
    trail = Trail("code.begin", Peer(network, attempt_id=attempt_id or uuid7()))
    ended = trail.ended(None if outcome == SUCCEEDED else StoreUnavailable("away"))
    assert ended.outcome == outcome
    return ended


async def count(db: Database) -> int:
    rows = await db.fetch(db.tables.attempts.select(db.tables.attempts.id))
    return len(rows)


async def test_what_was_noted_is_read_again(database: Database, clock: FrozenClock) -> None:
    attempts, log = Attempts(database, clock), AttemptLog(database)
    peer = Peer("2001:db8::/64", attempt_id=uuid7(), request_id="r" * 64, chain="2001:db8::1")
    await Entrance(attempts).enter(peer)
    await attempts.write()
    kept = await log.find(peer.attempt_id)
    assert kept is not None
    assert [one.name for one in kept.steps] == ["peer", "code.right", "asserted"]
    assert kept.steps[0].facts == {"chain": "2001:db8::1"}
    assert kept.steps[2].facts == {"provider": "e" * 128, "address": "☃" * 100, "trust": "ab"}
    assert (kept.provider, kept.outcome, kept.peer) == ("email", SUCCEEDED, "2001:db8::/64")
    assert (kept.subject, kept.at) == (subject_of(ADA), clock() - kept.ms * 1000)
    assert await log.of_request("r" * 64) == await log.about(ADA) == (kept,)
    assert await log.before(kept) == ()

    wide = Trail("oauth.bind", Peer("192.0.2.1", attempt_id=uuid7()))
    for _ in range(1000):
        wide.add("plugin.failed", dict.fromkeys(("plugin", "call", "cause"), "ä" * 1000))
    attempts.keep(wide.ended(None))
    await attempts.write()
    t = database.tables.attempts
    row = await database.first(t.select(t.trail).where(t.act == "oauth.bind"))
    assert row is not None
    assert LENGTH - 500 < len(row["trail"]) < LENGTH + 1000, "no row is wider than its bound"


async def test_batches_are_written_once_though_an_answer_was_lost(
    database: Database, clock: FrozenClock
) -> None:
    attempts = Attempts(database, clock)
    many = [over() for _ in range(2 * max(BATCHES) + 1)]
    for one in many:
        attempts.keep(one)
    await attempts._insert([values_of(many[3], clock())])
    await asyncio.gather(attempts.write(), attempts.write())
    assert await count(database) == len(many)
    with pytest.raises(Duplicate):
        await attempts._insert([values_of(many[3], clock())])


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_what_the_store_could_not_take_is_written_when_it_is_back(
    database: Database, persistence: Persistence, clock: FrozenClock
) -> None:
    away = await open_database(persistence)
    await away.close()
    attempts = Attempts(away, clock)
    attempts.keep(over("STORE_UNAVAILABLE"))
    await attempts.write()
    for _ in range(2 * ROOM):
        attempts.keep(over())
    assert len(attempts._waiting) == ROOM
    attempts._db = database
    await attempts.close()
    assert 1 < await count(database) <= ROOM


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_of_a_flood_a_part_is_kept_and_nothing_where_nothing_may_be_written(
    database: Database, clock: FrozenClock
) -> None:
    attempts, reading = Attempts(database, clock), Attempts(database.only_reading(), clock)
    for _ in range(10 * EACH):
        attempts.keep(over("STORE_UNAVAILABLE"))
        reading.keep(over())
    attempts.keep(over("STORE_UNAVAILABLE", "198.51.100.1"))
    attempts.keep(over())
    await attempts.write()
    await reading.write()
    assert await count(database) == EACH + 2


async def test_attempts_go_after_thirty_days_or_when_there_are_too_many(
    database: Database, clock: FrozenClock
) -> None:
    attempts = Attempts(database, clock)
    for _ in range(5):
        attempts.keep(over())
        clock.advance(1)
    await attempts.write()
    sweeping = Housekeeping(database, events_kept=None, attempts_most=3)
    assert (await sweeping.sweep()).attempts == 2
    assert (await sweeping.sweep()).attempts == 0
    clock.advance(ATTEMPTS_KEPT / SECOND - 3)
    assert (await sweeping.sweep()).attempts == 1
    clock.advance(2)
    assert (await sweeping.sweep()).attempts == 2
