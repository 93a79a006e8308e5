"""Whoever is told gets every event at least once, and those of one user in their order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest
from plans import Listening
from standin.faults import Slow
from standin.receiver import FORMER_KEY, KEY, Message, Receiver
from standin.sites import open_site
from told import open_post, target

from identra.app.opening import system_clock
from identra.dispatches import DEAD, DELIVERED, TRIES, WAITING
from identra.dispatches.queue import LEASE, REST
from identra.dispatches.schedule import DELAYS, SPREAD
from identra.errors import Internal
from identra.housekeeping import Housekeeping
from identra.meter import Unmetered
from identra.values import DAY, SECOND
from identra.webhooks.delivering import PAGE

if TYPE_CHECKING:
    from clock import FrozenClock

    from identra.db import Database

MANY = PAGE + PAGE // 2
ADA, EVE = "01900000-0000-7000-8000-00000000000a", "01900000-0000-7000-8000-00000000000e"


@dataclass
class Broken(Receiver):
    """Fails a user's messages while it is told to."""

    failing: str | None = ADA
    asks: int = 0

    def judge(self, message: Message) -> httpx.Response:
        if message.body["data"].get("user_id") == self.failing:
            return httpx.Response(500, headers={"Retry-After": str(self.asks)} if self.asks else {})
        return httpx.Response(200)

    def __post_init__(self) -> None:
        self.reply = self.judge


async def test_who_fails_holds_back_her_own_events_alone_and_their_order_stays(
    database: Database, clock: FrozenClock
) -> None:
    broken = Broken()
    with open_site(broken) as site:
        async with open_post(database, clock, target(site.base_url)) as post:
            for name in ("user.created", "address.proved", "login.succeeded"):
                for user_id in (ADA, EVE):
                    await post.events.record(name, user_id=user_id)
            await post.deliver()
            assert broken.types(EVE) == ["user.created", "address.proved", "login.succeeded"]
            assert broken.types(ADA) == []
            await post.events.record("user.disabled", user_id=ADA, reason="")
            broken.failing = None
            await post.deliver()
            assert broken.types(ADA) == [], "none before its time, and none before another"
            clock.advance(DELAYS[0] * (1 + SPREAD) / SECOND)
            await post.deliver()
            expected = ["user.created", "address.proved", "login.succeeded", "user.disabled"]
            assert broken.types(ADA) == expected


async def test_after_its_last_try_it_is_dead_and_those_behind_it_go_on(
    database: Database, clock: FrozenClock
) -> None:
    broken = Broken()
    with open_site(broken) as site:
        async with open_post(database, clock, target(site.base_url)) as post:
            await post.events.record("user.created", user_id=ADA)
            await post.events.record("user.disabled", user_id=ADA)
            for delay in DELAYS:
                await post.deliver()
                (first, _) = await post.rows()
                wait = first["due_at"] - clock()
                assert delay <= wait <= delay * (1 + SPREAD)
                clock.advance(wait / SECOND)
            await post.deliver()
            assert await post.states() == [(DEAD, TRIES), (WAITING, 1)]
            assert (await post.rows())[0]["outcome"] == "status 500"


async def test_a_target_is_not_called_before_the_time_it_asked_for(
    database: Database, clock: FrozenClock
) -> None:
    broken = Broken(asks=600)
    with open_site(broken) as site:
        async with open_post(database, clock, target(site.base_url)) as post:
            await post.events.record("user.created", user_id=ADA)
            await post.deliver()
            (row,) = await post.rows()
            assert row["due_at"] - clock() == 600 * SECOND


async def test_of_all_who_claim_one_gets_it_and_a_killed_one_s_is_sent_by_another(
    database: Database, clock: FrozenClock
) -> None:
    receiver = Receiver()
    with open_site(receiver) as site:
        async with open_post(database, clock, target(site.base_url)) as post:
            await post.events.record("user.created", user_id=ADA)
            await post.events.record("user.disabled", user_id=ADA)
            taken = await asyncio.gather(*(post.queue.take("app", ADA) for _ in range(8)))
            (claimed,) = [one for one in taken if one]
            await post.deliver()
            assert receiver.heard == []
            clock.advance((LEASE + REST) / SECOND)
            await post.deliver()
            assert receiver.types() == ["user.created", "user.disabled"]
            await post.queue.put_off(claimed, 0, "too late to say so")
            assert await post.states() == [(DELIVERED, 0), (DELIVERED, 0)]


async def test_a_target_that_is_gone_is_called_no_more_until_it_stands_elsewhere(
    database: Database, clock: FrozenClock
) -> None:
    receiver = Receiver(reply=lambda _: httpx.Response(410))
    with open_site(receiver) as site:
        async with open_post(database, clock, target(site.base_url)) as post:
            for name in ("user.created", "user.disabled"):
                await post.events.record(name, user_id=ADA)
            await post.deliver()
            receiver.reply = lambda _: httpx.Response(200)
            await post.events.record("user.created", user_id=EVE)
            await post.deliver()
            assert receiver.heard == []
            assert {state for state, _ in await post.states()} == {DEAD}
        async with open_post(database, clock, target(f"{site.base_url}/new")) as post:
            await post.events.record("user.enabled", user_id=ADA)
            await post.deliver()
            assert receiver.types() == ["user.enabled"]


@pytest.mark.parametrize("persistence", ["postgres"], indirect=True)
async def test_a_slow_target_holds_nobody_else_s(database: Database, clock: FrozenClock) -> None:
    slow, quick = Receiver(faults=lambda: Slow(30)), Receiver()
    with open_site(slow) as far, open_site(quick) as near:
        targets = target(far.base_url, "slow"), target(near.base_url, "quick")
        async with open_post(database, clock, *targets) as post:
            for number in range(20):
                user_id = f"01900000-0000-7000-8000-0000000000{number:02}"
                await post.events.record("user.created", user_id=user_id)
            stuck = asyncio.create_task(post.deliver("slow"))
            async with asyncio.timeout(8):
                await post.deliver("quick")
            assert len(quick.heard) == 20
            stuck.cancel()
            await asyncio.gather(stuck, return_exceptions=True)
            await asyncio.gather(*(one.close() for one in post.deliveries.values()))
            rows = await post.rows(target="slow")
            assert {row["tries"] for row in rows} == {0}
            assert {row["claim"] for row in rows} == {None}, "what was not sent is anybody's again"


class Counting(Unmetered):
    """Counts what targets were told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []

    def webhook(self, *told: object, **_: object) -> None:
        self.told.append(told)


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_every_try_is_counted_by_what_became_of_it(
    database: Database, clock: FrozenClock
) -> None:
    answers = [200, 500, 410]
    receiver = Receiver(reply=lambda _: httpx.Response(answers.pop(0)))
    counting = Counting()
    with open_site(receiver) as site:
        async with open_post(database, clock, target(site.base_url), meter=counting) as post:
            for user_id in (ADA, EVE, ADA):
                await post.events.record("user.created", user_id=user_id)
                await post.deliver()
    assert counting.told == [("app", "delivered"), ("app", "failed"), ("app", "gone")]


async def test_each_secret_signs_while_one_follows_another(
    database: Database, clock: FrozenClock
) -> None:
    new, old = Receiver(), Receiver(key=FORMER_KEY)
    with open_site(new) as one, open_site(old) as other:
        keys = (KEY, FORMER_KEY)
        targets = target(one.base_url, "one", keys=keys), target(other.base_url, "two", keys=keys)
        async with open_post(database, clock, *targets) as post:
            await post.events.record("user.created", user_id=ADA)
            await post.deliver("one")
            await post.deliver("two")
    assert new.types() == old.types() == ["user.created"]
    assert new.heard[0].id == old.heard[0].id


async def test_what_is_undone_is_told_to_nobody(database: Database, clock: FrozenClock) -> None:
    async with open_post(database, clock, target("http://127.0.0.1:1")) as post:

        async def fail() -> None:
            await post.events.record("user.created", user_id=ADA)
            raise LookupError

        with pytest.raises(LookupError):
            await database.transact(fail)
        assert await post.rows() == []


async def test_an_event_that_can_not_be_queued_is_not_recorded_either(
    database: Database, clock: FrozenClock
) -> None:
    """Also where nobody has opened a transaction: it gets one of its own."""
    async with open_post(database, clock, target("http://127.0.0.1:1", "x" * 40)) as post:
        with pytest.raises(Internal):
            await post.events.record("user.created", user_id=ADA)
        t = database.tables.events
        assert await database.fetch(t.select()) == []


async def test_a_target_gets_what_it_asked_for_and_nothing_else(
    database: Database, clock: FrozenClock
) -> None:
    one = target("http://127.0.0.1:1", "one", events=("user.*", "session.theft"))
    two = target("http://127.0.0.1:1", "two", events=("session.theft",))
    async with open_post(database, clock, one, two) as post:
        for name in ("user.created", "login.succeeded", "session.theft", "session.revoked"):
            await post.events.record(name, user_id=ADA)
        names = [(row["target"], row["body"].split('"')[3]) for row in await post.rows()]
        assert sorted(names) == [
            ("one", "session.theft"),
            ("one", "user.created"),
            ("two", "session.theft"),
        ]


@pytest.mark.parametrize(("wanted", "statements"), [((), 1), (("app",), 2), (("app", "too"), 2)])
@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_an_event_costs_one_statement_more_where_it_is_wanted_and_none_elsewhere(
    database: Database, clock: FrozenClock, wanted: tuple[str, ...], statements: int
) -> None:
    """However many targets want it."""
    targets = [target("http://127.0.0.1:1", name, events=("user.*",)) for name in ("app", "too")]
    told = [one for one in targets if one.name in wanted]
    spare = target("http://127.0.0.1:1", "spare", events=("session.theft",))
    async with open_post(database, clock, *told, spare) as post:
        listening = Listening(database._engine)
        database._engine = listening  # type: ignore[assignment]
        await post.events.record("user.created", user_id=ADA)
        assert len(listening.heard.get("nothing", {})) == statements
        assert len(await post.rows()) == len(wanted)


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_what_was_delivered_is_swept_after_a_day_and_what_was_not_after_a_month(
    database: Database, clock: FrozenClock
) -> None:
    broken = Broken()
    with open_site(broken) as site:
        one, old = target(site.base_url), target(site.base_url, "old", events=("session.theft",))
        async with open_post(database, clock, one, old) as post:
            clock.instant = system_clock()
            await post.events.record("user.created", user_id=EVE)
            await post.events.record("user.created", user_id=ADA)
            await post.events.record("session.theft", user_id=EVE)
            await post.deliver()
            dead = await post.queue.take("app", ADA)
            assert dead is None
            await post.queue.bury("app", "for the test")
            swept = []
            for days in (0.9, 0.2, 28, 2):
                clock.advance(days * DAY / SECOND)
                await Housekeeping(database, events_kept=None).sweep()
                swept.append(sorted((r["target"], r["state"]) for r in await post.rows()))
    kept = [("app", DEAD), ("old", WAITING)]
    assert swept[0] == sorted([*kept, ("app", DELIVERED), ("app", DELIVERED)])
    assert swept[1] == swept[2] == kept
    assert swept[3] == []


@pytest.mark.parametrize("persistence", ["postgres"], indirect=True)
async def test_who_has_very_many_events_holds_nobody_else_s(
    database: Database, clock: FrozenClock
) -> None:
    """Though hers are due first, and more than are looked at together."""
    receiver = Receiver(faults=lambda: Slow(0.02))
    with open_site(receiver) as site:
        async with open_post(database, clock, target(site.base_url)) as post:
            async with database.transaction():
                for number in range(MANY):
                    await post.events.record("user.disabled", user_id=ADA, reason=f"{number}")
            await post.events.record("user.created", user_id=EVE)
            delivery = post.deliveries["app"]
            going_on = asyncio.create_task(delivery.run())
            async with asyncio.timeout(20):
                while not receiver.types(EVE):  # noqa: ASYNC110 - threads of the receiver
                    await asyncio.sleep(0.01)
            before = len(receiver.types(ADA))
            async with asyncio.timeout(20):
                while len(receiver.heard) < MANY + 1:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.01)
            going_on.cancel()
            await asyncio.gather(going_on, return_exceptions=True)
            await delivery.close()
    assert before < PAGE // 3
    reasons = [m.body["data"]["reason"] for m in receiver.heard if m.type == "user.disabled"]
    assert reasons == [f"{number}" for number in range(MANY)]
