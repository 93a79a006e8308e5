"""A person takes along what is held of her, and leaves; for a while she can be brought back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from callers import Caller, House, access, open_house, reason, section_of, tokens
from homes import PASSWORD, code_for, mails_to, write_settings
from piccolo.querystring import QueryString
from plugged import plugin
from standin.github import Email, GitHub, Person

from identra.app import opened_office
from identra.cli import run
from identra.events import Events
from identra.housekeeping import Housekeeping
from identra.http.models import Export
from identra.settings import load
from identra.users import Departures, Users
from identra.values import SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.plugin import Fact
    from identra.settings import Persistence

ADA = "ada@example.com"
GRACE = 14 * 86_400
PROXY = "127.0.0.1"
TOLD = "Your Identra account will be deleted"
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


async def everything(house: House) -> str:
    """Every row of every table, as a reader of the database sees it; but what is short-lived."""
    db = house.app.database
    short_lived = (db.tables.state, db.tables.spent)
    tables = [table for table in db.tables.every() if table not in short_lived]
    return repr([await db.fetch(table.select()) for table in tables])


async def events(house: House, name: str) -> list[dict[str, Any]]:
    t = house.app.database.tables.events
    return await house.app.database.fetch(t.select().where(t.name == name).order_by(t.id))


async def sweep(house: House, clock: FrozenClock) -> int:
    db = house.app.database
    log = Events(db, clock)
    departures = Departures(db, Users(db, log, clock), log)
    return (await Housekeeping(db, events_kept=None, departures=departures).sweep()).users


async def registered(house: House, email: str = ADA) -> tuple[Caller, str]:
    her = house.caller()
    await her.register(email)
    return her, access(tokens(await her.confirm(email, code_for(house.app, email))))


async def user_id_of(her: Caller, bearer: str) -> str:
    told: str = (await her.info(bearer)).json()["user_id"]
    return told


async def test_she_is_disabled_at_once_and_gone_after_the_time_of_grace(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, bearer = await registered(house)
        user_id = await user_id_of(her, bearer)
        answer = await her.end("/me", bearer=bearer)
        assert answer.json() == {"leaves_at": clock() // SECOND + GRACE}
        assert mails_to(house.app, ADA)[-1] == TOLD
        assert reason(await her.info(bearer)) == "INVALID_TOKEN"
        assert reason(await her.log_in(ADA)) == "USER_DISABLED"
        await her.ask_code(ADA)
        assert reason(await her.answer(ADA, code_for(house.app, ADA))) == "USER_DISABLED"
        assert await house.rows("users") == {"users": 1}
        await written(house)
        clock.advance(GRACE - 1)
        assert await sweep(house, clock) == 0
        clock.advance(1)
        assert await sweep(house, clock) == 1
        left = await everything(house)
        for trace in (user_id, ADA, her.network):
            assert trace not in left, trace
        (deleted,) = await events(house, "user.deleted")
        assert (deleted["user_id"], json.loads(deleted["data"])) == (None, {})
        (login,) = await events(house, "login.succeeded")
        assert json.loads(login["data"]) == {"provider": "password"}
        newcomer, pair = await house.owner(ADA)
        assert await user_id_of(newcomer, access(pair)) != user_id


async def test_an_operator_brings_her_back_while_the_grace_lasts(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, bearer = await registered(house)
        await her.end("/me", bearer=bearer)
        async with opened_office(load(house.settings, {})) as office:
            assert await office.enable(ADA, by="test")
        assert len(await events(house, "user.restored")) == 1
        assert await events(house, "user.enabled") == []
        clock.advance(GRACE)
        assert await sweep(house, clock) == 0
        assert reason(await her.log_in(ADA)) == "200"


@Sqlite
async def test_somebody_who_comes_by_her_identity_in_the_grace_is_no_new_user(
    tmp_path: Path, persistence: Persistence
) -> None:
    github = GitHub()
    github.welcome(Person(7, "ada", (Email(ADA),)))
    sections = {"providers.github": section_of(github)}
    opened = open_house(tmp_path, persistence, sections=sections, transport=github.transport())
    async with opened as house:
        her = house.caller()

        async def sign_in() -> Any:
            prompt = (await her.ask("/oauth/url", provider="github")).json()
            back = github.approve(prompt["url"])
            body = {"code": back["code"], "state": back["state"]}
            return await her.say("/oauth/login", body)

        await her.end("/me", bearer=access(tokens(await sign_in())))
        assert reason(await sign_in()) == "USER_DISABLED"
        stranger, pair = await house.owner("bob@example.com")
        body = {"email": ADA}
        assert reason(await stranger.say("/me/addresses", body, bearer=access(pair))) == "200"
        said = body | {"code": code_for(house.app, ADA)}
        taken = await stranger.say("/me/addresses/confirm", said, bearer=access(pair))
        assert reason(taken) == "EMAIL_TAKEN"
        assert await house.rows("users") == {"users": 2}


@Sqlite
async def test_one_who_was_let_in_again_by_an_older_release_is_not_removed(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """It knows of no departures, so that hers is left over; she may be disabled since, for more."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, bearer = await registered(house)
        await her.end("/me", bearer=bearer)
        db = house.app.database
        await db.change(QueryString("UPDATE identra_users SET disabled_at = NULL"))
        clock.advance(GRACE)
        again = QueryString("UPDATE identra_users SET disabled_at = {}", clock())
        await db.change(again)
        assert await sweep(house, clock) == 0
        assert await house.rows("users", "departures") == {"users": 1, "departures": 0}


@Sqlite
async def test_one_who_was_brought_back_and_leaves_anew_has_her_grace_again(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Though a turn that began before has found her due, and comes to her only now."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, bearer = await registered(house)
        await her.end("/me", bearer=bearer)
        departures = house.app.departure._departures
        clock.advance(GRACE)
        now = clock()
        assert await departures.due(now) == (await house.app.users.find(ADA),)
        async with opened_office(load(house.settings, {})) as office:
            assert await office.enable(ADA, by="test")
        clock.advance(1)
        again = access(tokens(await her.log_in(ADA)))
        user_id = await user_id_of(her, again)
        assert reason(await her.end("/me", bearer=again)) == "200"
        assert not await departures.remove(user_id, due=now)
        assert await house.rows("users", "departures") == {"users": 1, "departures": 1}


@Sqlite
async def test_a_removal_that_was_broken_off_goes_on(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Killed after her own row went: what speaks of her goes with the next turn."""
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, bearer = await registered(house)
        user_id = await user_id_of(her, bearer)
        await her.end("/me", bearer=bearer)
        await written(house)
        t = house.app.database.tables.users
        await house.app.database.change(t.delete().where(t.id == user_id))
        clock.advance(GRACE)
        assert await sweep(house, clock) == 0, "it was not this turn that removed her"
        assert user_id not in await everything(house)
        t = house.app.database.tables.departures
        assert await house.app.database.fetch(t.select()) == []


@Sqlite
async def test_observers_are_told_who_is_gone(tmp_path: Path, persistence: Persistence) -> None:
    """An application deletes by that what it keeps of her."""
    told: list[tuple[str, str | None]] = []

    async def observe(fact: Fact) -> None:
        told.append((fact.name, fact.user_id))

    plugins = {"watcher": plugin("watcher", observe)}
    sections = {"plugins": {"enabled": ["watcher"]}, "auth": {"deletion_grace": "0s"}}
    async with open_house(tmp_path, persistence, sections=sections, plugins=plugins) as house:
        her, bearer = await registered(house)
        user_id = await user_id_of(her, bearer)
        await her.end("/me", bearer=bearer)
        departures = house.app.departure._departures
        assert await departures.remove(user_id)
        await house.app.close()
    assert ("user.deleted", user_id) in told


async def test_an_export_tells_everything_and_no_secret(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, bearer = await registered(house)
        assert reason(await her.log_in(ADA, "a wrong password")) == "INVALID_CREDENTIALS"
        await house.caller().ask_code(ADA)
        await house.owner("bob@example.com")
        await written(house)
        answer = await her.ask("/me/export", bearer=bearer)
        assert answer.headers["cache-control"] == "no-store"
        told = answer.json()
        promised = Export.model_validate(told)
        assert promised.model_dump(mode="json", exclude_none=True) == told, "no more, no less"
        now = clock() // SECOND
        assert told["user"]["user_id"] == await user_id_of(her, bearer)
        assert told["addresses"] == [
            {"email": ADA, "created_at": now, "proved_at": now, "primary": True}
        ]
        assert told["credentials"] == [{"provider": "password", "set_at": now}]
        (session,) = told["sessions"]
        assert (session["peer"], session["amr"]) == (her.network, ["otp"])
        assert {event["name"] for event in told["events"]} == {
            *("user.created", "address.proved", "password.set", "login.succeeded"),
        }
        acts = [(attempt["act"], attempt["outcome"]) for attempt in told["attempts"]]
        assert acts == [
            ("code.begin", "SUCCEEDED"),
            ("secret.complete", "INVALID_CREDENTIALS"),
            ("registration.complete", "SUCCEEDED"),
            ("registration.begin", "SUCCEEDED"),
        ]
        kept = await house.app.database.first(house.app.database.tables.sessions.select())
        assert kept
        credential = await house.app.database.first(house.app.database.tables.credentials.select())
        assert credential
        for secret in (PASSWORD, credential["hash"], kept["seed"], kept["secret_id"], bearer):
            assert secret not in answer.text
        assert PROXY not in answer.text, "by which proxies she came is the house's own"


async def written(house: House) -> None:
    """Until the attempts so far are written, which nobody waits for."""
    await house.app.login._attempts.write()  # type: ignore[attr-defined]


@Sqlite
def test_the_commands_delete_and_export_one_user(
    tmp_path: Path, persistence: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_settings(tmp_path, persistence)

    def told(*words: str, code: int = 0) -> str:
        assert run(["users", *words, "--config", str(file)]) == code
        return capsys.readouterr().out

    assert run(["keys", "init", "--config", str(file)]) == 0
    capsys.readouterr()
    told("create", ADA, "--proved")
    document = json.loads(told("export", ADA))
    assert document["user"]["user_id"]
    assert [one["email"] for one in document["addresses"]] == [ADA]
    assert told("delete", ADA).startswith("will be deleted 20")
    first = json.loads(told("show", ADA, "--json"))
    assert first["disabled"]
    told("delete", ADA)
    assert json.loads(told("show", ADA, "--json"))["leaves_at"] == first["leaves_at"]
    assert told("enable", ADA) == "enabled\n"
    assert json.loads(told("show", ADA, "--json"))["leaves_at"] is None
    assert told("delete", ADA, "--now") == "deleted\n"
    told("show", ADA, code=1)
    assert json.loads(told("list", "--json")) == {"users": []}
