"""Whoever is asked why a sign-in failed finds the true reason; who failed to sign in does not."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import doors
import grpc
import httpx
import pytest
import running
from callers import IMMEDIATE, section_of
from clock import FrozenClock
from homes import PASSWORD, code_for, open_home
from plugged import answering, plugin
from standin.faults import SERVER_ERROR
from standin.github import Email, GitHub, Person

from identra.cli import run
from identra.db import open_database
from identra.db.migrations import migrate
from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from homes import Sections

    from identra.app import App

ADA = "ada@example.com"
HERS = Person(1, "ada", (Email(ADA),))
SECTIONS: Sections = {
    "keys": {"algorithm": "ES256", "rotate_in_server": False},
    "http": {"trusted_proxies": ["127.0.0.0/8"]},
    "housekeeping": {"in_server": False},
} | IMMEDIATE
by_every_door = pytest.mark.parametrize("name", ["rest", "grpc"])


@dataclass(frozen=True)
class Desk:
    """A house with a door, and the operator's desk behind it."""

    app: App
    door: doors.Door
    github: GitHub
    clock: FrozenClock
    file: Path
    printed: pytest.CaptureFixture[str]

    async def ask(self, method: str, bearer: str = "", **request: Any) -> doors.Told:
        metadata = {"x-forwarded-for": "203.0.113.9", "x-request-id": "hers-1"}
        metadata |= {"authorization": f"Bearer {bearer}"} if bearer else {}
        return await asyncio.to_thread(self.door.ask, method, request, metadata)

    async def why(self, told: doors.Told) -> str:
        """The true reason for an answer, which names its attempt."""
        (found,) = await self.read("explain", told.headers["x-attempt-id"])
        assert found["outcome"] == (told.reason or "SUCCEEDED")
        said: str = found["why"]
        return said

    async def read(self, *words: str) -> list[dict[str, Any]]:
        """What a command lists, once what waits is written."""
        ((_, listed),) = json.loads(await self.told(*words, "--json")).items()
        found: list[dict[str, Any]] = listed
        return found

    async def told(self, *words: str) -> str:
        await self.app.login._attempts.write()  # type: ignore[attr-defined]
        self.printed.readouterr()
        done = await asyncio.to_thread(run, [*words, "--config", str(self.file)])
        said = self.printed.readouterr()
        assert done == 0, said.err
        return said.out

    async def mailed_code(self) -> str:
        assert (await self.ask("SendLoginEmailCode", email=ADA)).code == 0
        return code_for(self.app, ADA)

    async def trip(self, who: Person, bearer: str = "") -> dict[str, str]:
        """To the provider and back again: what the client then brings."""
        self.github.welcome(who)
        told = await self.ask("GetOAuthAuthorizationURL", bearer=bearer, provider="github")
        assert told.code == 0, told
        return self.github.approve(told.answer["url"])


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> pytest.CaptureFixture[str]:
    return capsys


@asynccontextmanager
async def desk(
    folder: Path, name: str, printed: pytest.CaptureFixture[str], plugins: Any = None
) -> AsyncIterator[Desk]:
    place = Persistence(driver="sqlite", name=str(folder / "identra.db"))
    db = await open_database(place)
    await migrate(db)
    await db.close()
    clock, github = FrozenClock(), GitHub()
    said = SECTIONS | {"providers.github": section_of(github)}
    opened = open_home(
        folder,
        place,
        sections=said,
        clock=clock,
        transport=github.transport(),
        plugins=plugins,
    )
    async with opened as app, running.door_of(app) as url, running.rpc_of(app) as rpc:
        with httpx.Client(base_url=url, timeout=60) as http, grpc.insecure_channel(rpc) as channel:
            door: doors.Door = doors.Rest(http) if name == "rest" else doors.Rpc(channel)
            yield Desk(app, door, github, clock, folder / "identra.toml", printed)


def access(told: doors.Told) -> str:
    token: str = told.answer["token"]["access_token"]["token"]
    return token


@by_every_door
async def test_a_code_is_wrong_expired_used_or_was_never_asked_for(
    tmp_path: Path, printed: pytest.CaptureFixture[str], name: str
) -> None:
    """The caller is told INVALID_CODE each time, and nothing more."""
    async with desk(tmp_path, name, printed) as here:
        never = await here.ask("LoginByEmailCode", email=ADA, code="123456")
        assert "no code had been asked for" in await here.why(never)

        code = await here.mailed_code()
        wrong = await here.ask("LoginByEmailCode", email=ADA, code=other_than(code))
        assert await here.why(wrong) == (
            "the code is wrong (guess 1); only the code of the newest mail counts"
        )

        here.clock.advance(600)
        late = await here.ask("LoginByEmailCode", email=ADA, code=code)
        assert (await here.why(late)).startswith("the code had expired")

        code = await here.mailed_code()
        right = await here.ask("LoginByEmailCode", email=ADA, code=code)
        assert await here.why(right) == "a new user was made"
        again = await here.ask("LoginByEmailCode", email=ADA, code=code)
        used = f"the code had already been used, by attempt {right.headers['x-attempt-id']}"
        assert await here.why(again) == used

        told = [never, wrong, late, again]
        assert {(one.reason, one.message) for one in told} == {(never.reason, never.message)}


@by_every_door
async def test_a_password_is_wrong_or_nobody_s(
    tmp_path: Path, printed: pytest.CaptureFixture[str], name: str
) -> None:
    async with desk(tmp_path, name, printed) as here:
        made = await here.ask("RegisterByPassword", email=ADA, password=PASSWORD)
        assert await here.why(made) == "a new user was made"
        (user,) = await here.read("users", "list")
        wrong = await here.ask("LoginByPassword", email=ADA, password="a wrong password")
        assert await here.why(wrong) == f"the password of {user['user_id']} is another"
        unknown = await here.ask("LoginByPassword", email="bea@example.com", password=PASSWORD)
        assert await here.why(unknown) == "nobody has both that address and a password"
        assert wrong.message == unknown.message

        await here.told("users", "disable", ADA, "--reason", "left the company")
        out = await here.ask("LoginByPassword", email=ADA, password=PASSWORD)
        assert f"user {user['user_id']} is disabled" in await here.why(out)

        for _ in range(6):
            limited = await here.ask("LoginByPassword", email=ADA, password="a wrong password")
        told = await here.why(limited)
        assert told.startswith("the allowance secret was spent; `identra limits show` tells")
        assert re.search(r"with --peer \S+$", told), "she may wait from a network nobody knows"


@by_every_door
async def test_a_provider_fails_or_does_not_vouch_and_a_state_is_over(
    tmp_path: Path, printed: pytest.CaptureFixture[str], name: str
) -> None:
    async with desk(tmp_path, name, printed) as here:
        here.github.faults["/user"] = SERVER_ERROR
        failed = await here.ask("LoginByOAuth", **await here.trip(HERS))
        assert failed.reason == "PROVIDER_UNAVAILABLE"
        assert await here.why(failed) == "github, userinfo: api.github.com: status 500"
        here.github.faults.clear()

        unsure = Person(2, "bea", (Email("bea@example.com", verified=False),))
        back = await here.trip(unsure)
        lonely = await here.ask("LoginByOAuth", **back)
        assert "did not vouch for the address" in await here.why(lonely)

        again = await here.ask("LoginByOAuth", **back)
        used = f"the state had already been used, by attempt {lonely.headers['x-attempt-id']}"
        assert await here.why(again) == used

        stale = await here.trip(HERS)
        here.clock.advance(600)
        late = await here.ask("LoginByOAuth", **stale)
        assert (await here.why(late)).startswith("the state had expired")
        assert again.message == late.message


@by_every_door
async def test_an_identity_is_another_user_s(
    tmp_path: Path, printed: pytest.CaptureFixture[str], name: str
) -> None:
    async with desk(tmp_path, name, printed) as here:
        assert (await here.ask("LoginByOAuth", **await here.trip(HERS))).code == 0
        (owner,) = await here.read("users", "list")
        hers = await here.ask("RegisterByPassword", email="bea@example.com", password=PASSWORD)
        back = await here.trip(HERS, access(hers))
        taken = await here.ask("BindUserByOAuth", **back, access_token=access(hers))
        said = f"the identity is linked to another user, {owner['user_id']}"
        assert (taken.reason, await here.why(taken)) == ("IDENTITY_TAKEN", said)
        (found,) = await here.read("explain", taken.headers["x-attempt-id"])
        assert found["user_id"] not in (None, owner["user_id"]), "it was the other's attempt"


@by_every_door
async def test_a_plugin_denied_it(
    tmp_path: Path, printed: pytest.CaptureFixture[str], name: str
) -> None:
    doorman = plugin("doorman", answering("admit", "Not on a Sunday."))
    async with desk(tmp_path, name, printed, {"doorman": doorman}) as here:
        code = await here.mailed_code()
        denied = await here.ask("LoginByEmailCode", email=ADA, code=code)
        assert denied.reason == "DENIED"
        assert await here.why(denied) == "the plugin doorman did not let her in"
        (event,) = await here.read("events", "--kind", "login.refused")
        assert event["data"]["attempt"] == denied.headers["x-attempt-id"]


async def test_the_steps_are_told_in_their_order_without_a_secret(
    tmp_path: Path, printed: pytest.CaptureFixture[str]
) -> None:
    async with desk(tmp_path, "rest", printed) as here:
        back = await here.trip(HERS)
        told = await here.ask("LoginByOAuth", **back)
        page = await here.told("explain", told.headers["x-attempt-id"])
        names = [line.split()[2] for line in page.splitlines() if " ms  " in line]
        assert names == [
            "peer",
            "state.taken",
            "provider.asked",
            "provider.answered",
            "provider.asked",
            "provider.answered",
            "provider.answered",
            "asserted",
            "decided",
            "session.opened",
            "over",
        ]
        assert "came by 203.0.113.9, 127.0.0.1" in page
        rows = await here.app.database.fetch(here.app.database.tables.attempts.select())
        kept = json.dumps(rows)
        for secret in (*back.values(), access(told), ADA, here.github.client_secret):
            assert secret not in kept


async def test_a_request_s_id_is_a_label_that_many_may_carry(
    tmp_path: Path, printed: pytest.CaptureFixture[str]
) -> None:
    async with desk(tmp_path, "rest", printed) as here:
        tries = [await here.ask("LoginByEmailCode", email=ADA, code=c) for c in ("111111", "2")]
        found = await here.read("explain", "--request", "hers-1")
        assert [one["attempt"] for one in found] == [
            one.headers["x-attempt-id"] for one in reversed(tries)
        ]
        assert await here.read("explain", "--address", f" {ADA.upper()} ") == found
        assert "no code had been asked for" in await here.told("explain", "--request", "hers-1")


async def test_what_happened_to_her_is_listed_newest_first(
    tmp_path: Path, printed: pytest.CaptureFixture[str]
) -> None:
    async with desk(tmp_path, "rest", printed) as here:
        told = await here.ask("LoginByOAuth", **await here.trip(HERS))
        listed = await here.read("events", "--user", ADA)
        names = [one["event"] for one in listed]
        assert sorted(names) == [
            "address.proved",
            "identity.linked",
            "login.succeeded",
            "user.created",
        ]
        entered = listed[names.index("login.succeeded")]
        assert entered["data"]["attempt"] == told.headers["x-attempt-id"]
        only = await here.read("events", "--user", entered["user_id"], "--kind", "user.created")
        assert [one["event"] for one in only] == ["user.created"]
        assert len(await here.read("events", "--limit", "2")) == 2
        assert "login.succeeded" in await here.told("events", "--user", ADA)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["explain", "nobody's"], "no such attempt is kept"),
        (["explain", "nobody's"], "the request_id of an error is looked for with --request"),
        (["explain"], "name an ATTEMPT"),
        (["explain", "one", "--request", "two"], "name an ATTEMPT"),
        (["events", "--since", "soon"], "a duration reads like"),
        (["events", "--kind", "user.eaten"], "there is no event"),
        (["events", "--user", "nobody@example.com"], "nobody has that address"),
    ],
    ids=["unknown", "request", "none", "two", "since", "kind", "nobody"],
)
def test_what_can_not_be_found_is_said_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    file = running.write_settings(tmp_path)
    assert run([*words, "--config", str(file)]) in (1, 2)
    assert says in capsys.readouterr().err


def other_than(code: str) -> str:
    return "000000" if code != "000000" else "000001"
