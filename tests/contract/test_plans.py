"""Signing in, refreshing and asking who one is cost the same however many users there are.

Every statement that the service sends meanwhile is heard at its engine; then the database, with
thousands of rows in each table, is asked how it runs it.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

import population
import servers
from callers import access, open_house, refresh, section_of, tokens
from homes import PASSWORD, code_for
from piccolo.querystring import QueryString
from plans import SHAPES, Heard, Listening, plans
from standin.github import Email, GitHub, Person

from identra.db import Bound, open_database
from identra.dispatches import DELIVERED, WAITING, Dispatches, Queue
from identra.events import EventLog, Events
from identra.housekeeping import BATCH, Housekeeping
from identra.portable import Arrivals, leaving
from identra.portable.leaving import PAGE
from identra.portable.record import Record
from identra.sessions import Ending
from identra.users import Departures, Finding, Users

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from callers import Caller, House
    from plans import Plan

    from identra.db import Database
    from identra.settings import Persistence

CROWD = 5_000
STEP = 17_000_000_000
"""Between two events, in microseconds: hours, so that nobody counts in 32 bits."""
ADA = "ada@example.com"
SMALL = frozenset({"identra_keys", "identra_departures", "identra_gone"})
"""The ring holds a handful of keys and is read whole; so are the few who are about to leave, and
the targets that want no more."""
TARGETS = ("app", "crm", "fax", "gtd", "hub", "irc", "job", "log")
SORTED = frozenset({"identra_keys", "identra_emails", "identra_identities"})
"""What may be sorted: of one user's things, those that stay few."""


async def test_every_way_in_goes_by_key(tmp_path: Path, persistence: Persistence) -> None:
    await _fill(persistence)
    github = GitHub()
    sections = {"providers.github": section_of(github), "housekeeping": {"in_server": False}}
    opened = open_house(tmp_path, persistence, sections=sections, transport=github.transport())
    async with opened as house:
        heard = await _live(house, github)
    met = await _demand_keys(persistence, heard)
    assert met >= {
        ("password login", "identra_credentials"),
        ("password login", "identra_users"),
        ("wrong password", "identra_credentials"),
        ("access token", "identra_sessions"),
        ("login-info", "identra_emails"),
        ("login-info", "identra_identities"),
        ("refresh", "identra_sessions"),
        ("revoke", "identra_sessions"),
        ("code login", "identra_emails"),
        ("code login", "identra_state"),
        ("OAuth login", "identra_identities"),
        ("OAuth login", "identra_state"),
        ("reset", "identra_emails"),
        ("further address", "identra_emails"),
        ("removing", "identra_emails"),
        ("leaving", "identra_departures"),
    }


async def test_users_who_arrive_are_looked_for_by_key(persistence: Persistence) -> None:
    """Else taking in as many again would take four times as long."""
    await _fill(persistence)
    db = await open_database(persistence)
    listening = Listening(db._engine, doing=lambda: "arriving")
    db._engine = listening  # type: ignore[assignment]
    async for outcome in Arrivals(db, Events(db, lambda: 1)).take(_newcomers(), dry_run=False):
        assert (outcome.came, len(outcome.refused)) == (1, 1)
    await db.close()
    met = await _demand_keys(persistence, listening.heard)
    assert met >= {("arriving", "identra_identities"), ("arriving", "identra_emails")}


async def test_walking_through_all_asks_the_same_for_each_page(persistence: Persistence) -> None:
    """A statement that grew by a condition a page would end where its database gives up."""
    db = await open_database(persistence)
    await population.gather(db, 3 * max(PAGE, BATCH))
    listening = Listening(db._engine)
    db._engine = listening  # type: ignore[assignment]
    assert len([record async for record in leaving(db)]) == 3 * max(PAGE, BATCH)
    await Housekeeping(db, events_kept=None).sweep()
    await db.close()
    for table in ("identra_users", "identra_sessions"):
        paging = [sql for sql in listening.heard["nothing"] if f'"{table}"."id" > ' in sql]
        assert len(paging) == 1, paging


async def test_ending_what_a_key_signed_goes_page_by_page_however_few_that_is(
    persistence: Persistence,
) -> None:
    """One statement that looks for a few among millions would end where its database gives up."""
    db = await open_database(persistence)
    await population.gather(db, BATCH)
    asked = count()
    listening = Listening(db._engine, doing=lambda: str(next(asked)))
    db._engine = listening  # type: ignore[assignment]
    ending = Ending(db, Events(db, lambda: 1))
    assert await ending.revoke_under("nobody's", "key_revoked") == 0
    assert len(listening.heard) == 2 + 1  # each has two sessions; the last page is empty
    assert await ending.revoke_under("made-in-bulk", "key_revoked") == BATCH
    assert await ending.revoke_under("made-in-bulk", "key_revoked") == 0
    await db.close()


async def test_a_page_of_users_is_a_piece_of_an_index_wherever_it_stands(
    persistence: Persistence,
) -> None:
    """Whatever the database's collation: addresses compare as bytes."""
    await _fill(persistence)
    db = await open_database(persistence)
    now = ["nothing"]
    listening = Listening(db._engine, doing=lambda: now[0])
    db._engine = listening  # type: ignore[assignment]
    finding, midst = Finding(db), population.email(CROWD // 2)
    for name, ask in {
        "first page": finding.page(limit=3),
        "next page": finding.page(limit=3, after="00002500-0000-7000-8000-000000000000"),
        "first of a prefix": finding.beginning("p", limit=3),
        "next of a prefix": finding.beginning("p", limit=3, after=midst),
    }.items():
        now[0] = name
        assert len((await ask).users) == 3
    await db.close()
    assert {name: len(statements) for name, statements in listening.heard.items()} == dict.fromkeys(
        listening.heard, 2
    )
    met = await _demand(persistence, listening.heard, _is_piece)
    assert {("first page", "identra_users"), ("next of a prefix", "identra_emails")} <= met


async def test_a_page_of_events_is_a_piece_of_an_index_wherever_it_stands(
    persistence: Persistence,
) -> None:
    """Of all of them, of one name, before an instant; of one user by what is hers."""
    db = await open_database(persistence)
    await population.gather(db, CROWD)
    at = await db.instant()
    spread = f"UPDATE identra_events SET at = {at} - {STEP} * CAST(SUBSTR(id, 1, 8) AS INTEGER)"  # noqa: S608 - our own words
    await db.change(QueryString(f"{spread}, data = {{}}", "{}"))
    await _count(persistence)
    log, now = EventLog(db), [""]
    listening = Listening(db._engine, doing=lambda: now[0])
    db._engine = listening  # type: ignore[assignment]
    midst = f"{at - 2500 * STEP}.00002500-0000-7000-8000-000000000005"
    user_id = "00002500-0000-7000-8000-000000000000"
    asked = {"user_id": None, "since": 0, "until": None, "kinds": (), "limit": 3, "after": ""}
    for name, said in {
        "first page": {},
        "next page": {"after": midst},
        "before": {"until": at - 1000 * STEP},
        "of a name": {"kinds": ("user.created",), "after": midst},
        "hers": {"user_id": user_id, "after": f"{at + 1}.x"},
    }.items():
        now[0] = name
        page = await log.page(**asked | said)  # type: ignore[arg-type]
        assert len(page.events) == (1 if name == "hers" else 3)
    await db.close()
    met = await _demand(persistence, listening.heard, _is_stretch)
    assert {("next page", "identra_events"), ("hers", "identra_events")} <= met


async def test_what_waits_for_webhooks_is_found_by_key(
    persistence: Persistence,
) -> None:
    """However much of it there is, and of whoever leaves what was told of her as well."""
    db = await open_database(persistence)
    await _fill_queues(db)
    await _count(persistence)
    now = ["recording"]
    listening = Listening(db._engine, doing=lambda: now[0])
    db._engine = listening  # type: ignore[assignment]
    await _tell_others(db, now)
    await db.close()
    met = await _demand(persistence, listening.heard, _is_queue)
    doing = {"finding", "taking", "resting", "measuring", "closing", "forgetting", "looking up"}
    assert {what for what, table in met if table == "identra_dispatches"} >= doing


async def _fill_queues(db: Database) -> None:
    """What waits for some targets, and the much more that was told, of many users."""
    t = db.tables.dispatches
    for first in range(0, CROWD, 500):
        rows = [
            t(
                id=f"{number:08}-0000-7000-8000-000000000009",
                event_id=f"{number:08}-0000-7000-8000-000000000005",
                target=TARGETS[number % len(TARGETS)],
                lane=f"{number // 5:08}-0000-7000-8000-000000000000",
                turn=number,
                state=DELIVERED if number % 100 > 1 else WAITING,
                tries=0,
                due_at=number,
                settled_at=number if number % 100 > 1 else None,
                body="{}" * 200,
            )
            for number in range(first, first + 500)
        ]
        await db.change(t.insert(*rows))


async def _tell_others(db: Database, now: list[str]) -> None:
    """Everything that deliveries and departures ask of the queues."""
    queue, dispatches = Queue(db), Dispatches(db)
    now[0] = "finding"
    due = await queue.due("app", 8)
    lane, other, *_ = due
    assert not await queue.is_closed("app", "place")
    now[0] = "taking"
    for settle in (queue.deliver, queue.give_up):
        taken = await queue.take("app", lane)
        assert taken
        await settle(taken, "HTTP 200")
        lane = other
    taken = await queue.take("crm", list(await queue.due("crm", 8))[-1])
    assert taken
    await queue.release(taken)
    taken = await queue.take("crm", taken.lane)
    assert taken
    await queue.put_off(taken, 1, "HTTP 500")
    now[0] = "resting"
    await queue.rest(due[lane])
    await queue.resume("app", lane)
    now[0] = "measuring"
    assert (await queue.backlog("app")).found
    now[0] = "closing"
    assert await queue.bury("app", "gone")
    now[0] = "looking up"
    assert await dispatches.targets() == TARGETS
    now[0] = "forgetting"
    t, events = db.tables.dispatches, Events(db, lambda: 1)
    departures = Departures(db, Users(db, events, lambda: 1), events)
    await departures._clear(t, t.lane == lane)


async def _newcomers() -> AsyncIterator[tuple[int, Record]]:
    """One whom nobody knows, and one who says she is somebody of the crowd at GitHub."""
    then = "2026-01-31T12:00:00Z"
    for number, subject in enumerate(("a stranger", population.subject(3)), start=1):
        identity = {"provider": "github", "provider_user_id": subject}
        said = {
            "user_id": f"01900000-0000-7000-8000-00000000000{number}",
            "created_at": then,
            "addresses": [
                {"email": f"new{number}@example.com", "proved_at": None, "created_at": then}
            ],
            "identities": [identity | {"linked_at": then, "counts_from": then}],
        }
        yield number, Record.model_validate(said)


async def _demand_keys(place: Persistence, heard: Heard) -> set[tuple[str, str]]:
    return await _demand(place, heard, _is_good)


async def _demand(
    place: Persistence, heard: Heard, good: Callable[[Plan], bool]
) -> set[tuple[str, str]]:
    """Fail on any statement that goes otherwise; what was reached, while what was done."""
    faults, met = [], set()
    for doing, statements in heard.items():
        for sql, args in statements.items():
            for plan in await plans(place, Bound(sql, args)):
                met |= {(doing, access.table) for access in plan.reached}
                if not good(plan):
                    faults.append(f"{doing}: {sql}\n  {plan}")
    assert not faults, "\n".join(faults)
    return met


async def _fill(place: Persistence) -> None:
    """A crowd, and it is counted."""
    db = await open_database(place)
    await population.gather(db, CROWD)
    await db.close()
    await _count(place)


async def _count(place: Persistence) -> None:
    """On servers, what they count by themselves sooner or later is counted now."""
    if place.driver == "postgres":
        await servers.tell(place, "ANALYZE")
    if place.driver == "mysql":
        await servers.tell(place, f"ANALYZE TABLE {', '.join(SHAPES)}")


async def _live(house: House, github: GitHub) -> Heard:
    """Do everything once, under a name each."""
    now = ["coming here"]
    listening = Listening(house.app.database._engine, doing=lambda: now[0])
    her = house.caller()
    await her.register(ADA)
    tokens(await her.confirm(ADA, code_for(house.app, ADA)))
    github.welcome(Person(7, "ada", (Email("ada@github.example"),)))
    await _visit_github(house, github)
    house.app.database._engine = listening  # type: ignore[assignment]
    now[0] = "password login"
    pair = tokens(await her.log_in(ADA))
    now[0] = "wrong password"
    assert (await her.log_in(ADA, "not hers at all")).status_code == 401
    assert (await her.log_in(population.email(7), PASSWORD)).status_code == 401
    now[0] = "access token"
    await house.app.account.identify(access(pair))
    now[0] = "login-info"
    assert (await her.info(access(pair))).status_code == 200
    now[0] = "refresh"
    pair = tokens(await her.refresh(refresh(pair)))
    now[0] = "revoke"
    assert (await her.say("/token/revoke", {"refresh_token": refresh(pair)})).status_code == 200
    now[0] = "code login"
    await her.ask_code(ADA)
    tokens(await her.answer(ADA, code_for(house.app, ADA)))
    now[0] = "OAuth login"
    await _visit_github(house, github)
    await _mend(house, her, now)
    now[0] = "coming to an end"
    return listening.heard


async def _mend(house: House, her: Caller, now: list[str]) -> None:
    """What a person does about her own account, her leave at the end."""
    now[0] = "reset"
    await her.say("/password/reset", {"email": ADA})
    body = {"email": ADA, "code": code_for(house.app, ADA), "password": f"{PASSWORD} of hers"}
    bearer = access(tokens(await her.say("/password/reset/confirm", body)))
    now[0] = "further address"
    further = {"email": "ada@work.example.com"}
    assert (await her.say("/me/addresses", further, bearer=bearer)).is_success
    said = further | {"code": code_for(house.app, further["email"])}
    assert (await her.say("/me/addresses/confirm", said, bearer=bearer)).is_success
    now[0] = "removing"
    gone = await her.end(f"/me/addresses/{further['email']}", bearer=bearer)
    assert gone.is_success
    now[0] = "leaving"
    assert (await her.end("/me", bearer=bearer)).is_success


async def _visit_github(house: House, github: GitHub) -> None:
    her = house.caller()
    prompt = await her.ask("/oauth/url", provider="github")
    tokens(await her.say("/oauth/login", github.approve(prompt.json()["url"])))


def _is_good(plan: Plan) -> bool:
    """By a unique key, or by the user whose the rows are."""
    by_key = all(
        access.once or "user_id" in access.columns or access.table in SMALL
        for access in plan.reached
    )
    return by_key and (not plan.sorts or all(access.table in SORTED for access in plan.reached))


def _is_piece(plan: Plan) -> bool:
    """By key, or a range of one; sorted is no more than what one user has."""
    found = [one for one in plan.reached if not (one.once or "user_id" in one.columns)]
    ranges = all(one.ranged[:1] in {("id",), ("email",), ("user_id",)} for one in found)
    hers = any("user_id" in one.columns for one in plan.reached)
    return ranges and (hers or not plan.sorts)


def _is_stretch(plan: Plan) -> bool:
    """A range of instants, or what one user has. Those of one instant may be sorted."""
    return all("user_id" in one.columns or one.ranged[:1] == ("at",) for one in plan.reached)


def _is_queue(plan: Plan) -> bool:
    """By key, by lane, by target and state, or a range of these; and a range is never sorted."""
    ranges = any(one.ranged for one in plan.reached)
    return not (ranges and plan.sorts) and all(
        one.once
        or {"target", "state"} <= {*one.columns, *one.ranged}
        or (one.ranged or one.columns)[:1] in {("id",), ("target",), ("lane",)}
        or one.table in SMALL
        for one in plan.reached
    )
