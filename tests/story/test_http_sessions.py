"""Somebody sees where she is signed in, and ends what she likes of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import spoken
from callers import IMMEDIATE, House, access, open_house, reason, refresh, section_of, tokens
from standin.github import Email, GitHub, Person

from identra.sessions.roster import LONGEST
from identra.values import SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


async def documented(house: House) -> dict[str, Any]:
    said: dict[str, Any] = (await house.http.get("/openapi.json")).json()
    return said


async def endings(house: House) -> list[dict[str, str]]:
    """What the audit log says of sessions that were revoked."""
    db = house.app.database
    t = db.tables.events
    rows = await db.fetch(t.select(t.data).where(t.name == "session.revoked").order_by(t.id))
    return [json.loads(row["data"]) for row in rows]


async def test_she_sees_her_sessions_the_last_used_first(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, clock=clock) as house:
        her, began = house.caller(), clock() // SECOND
        house.http.headers["User-Agent"] = "Laptop"
        first = tokens(await her.register(ADA))
        clock.advance(60)
        house.http.headers["User-Agent"] = "Phone"
        second = tokens(await house.caller().log_in(ADA))
        clock.advance(60)
        listed = await her.sessions(access(second))
        assert [s["current"] for s in listed] == [True, False]
        assert listed[1] == {
            "id": listed[1]["id"],
            "created_at": began,
            "last_used_at": began,
            "amr": ["pwd"],
            "idp": "password",
            "peer": her.network,
            "user_agent": "Laptop",
            "current": False,
        }
        clock.advance(60)
        first = tokens(await her.refresh(refresh(first)))
        again = await her.sessions(access(second))
        assert [s["id"] for s in again] == [listed[1]["id"], listed[0]["id"]]
        assert (again[0]["created_at"], again[0]["last_used_at"]) == (began, began + 180)
        assert await her.sessions(access(first)) == [
            s | {"current": not s["current"]} for s in again
        ]


async def test_what_she_ends_is_over_at_once(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, clock=clock) as house:
        her = house.caller()
        kept, other = tokens(await her.register(ADA)), tokens(await her.log_in(ADA))
        (ended,) = [s["id"] for s in await her.sessions(access(kept)) if not s["current"]]
        answer = await her.end(f"/me/sessions/{ended}", bearer=access(kept))
        assert (answer.status_code, answer.json()) == (200, {})
        assert reason(await her.info(access(other))) == "INVALID_TOKEN"
        assert reason(await her.refresh(refresh(other))) == "INVALID_REFRESH_TOKEN"
        assert [s["current"] for s in await her.sessions(access(kept))] == [True]
        again = await her.end(f"/me/sessions/{ended}", bearer=access(kept))
        assert reason(again) == "NOT_FOUND"
        assert await endings(house) == [{"session": ended, "reason": "asked"}]


async def test_all_but_this_and_then_this_too(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, clock=clock) as house:
        her = house.caller()
        kept = tokens(await her.register(ADA))
        others = [tokens(await her.log_in(ADA)) for _ in range(3)]
        assert reason(await her.end("/me/sessions", bearer=access(kept), keep="current")) == "200"
        assert [s["current"] for s in await her.sessions(access(kept))] == [True]
        for other in others:
            assert reason(await her.info(access(other))) == "INVALID_TOKEN"
        last = tokens(await her.log_in(ADA))
        answer = await her.end("/me/sessions", bearer=access(kept))
        assert (answer.status_code, answer.json()) == (200, {})
        for pair in (kept, last):
            assert reason(await her.info(access(pair))) == "INVALID_TOKEN"
        told = [(said["reason"], said["sessions"]) for said in await endings(house)]
        assert told == [("asked", "3"), ("asked", "2")]


async def test_logging_out_ends_just_this_session(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, clock=clock) as house:
        her = house.caller()
        one, other = tokens(await her.register(ADA)), tokens(await her.log_in(ADA))
        assert (await her.say("/logout", bearer=access(one))).json() == {}
        assert reason(await her.refresh(refresh(one))) == "INVALID_REFRESH_TOKEN"
        assert reason(await her.say("/logout", bearer=access(one))) == "INVALID_TOKEN"
        assert [s["current"] for s in await her.sessions(access(other))] == [True]


@Sqlite
async def test_what_is_over_by_itself_is_not_listed_nor_ended(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Idle too long, or too old: then it is over, and opens nothing any more."""
    auth = {"auth": {"refresh_token_expiration": "1h", "access_token_expiration": "3h"}}
    async with open_house(tmp_path, persistence, sections=auth | IMMEDIATE, clock=clock) as house:
        her = house.caller()
        idle = tokens(await her.register(ADA))
        (old,) = await her.sessions(access(idle))
        clock.advance(3599)
        kept = tokens(await her.log_in(ADA))
        assert len(await her.sessions(access(kept))) == 2
        clock.advance(1)
        assert [s["current"] for s in await her.sessions(access(kept))] == [True]
        gone = await her.end(f"/me/sessions/{old['id']}", bearer=access(kept))
        assert reason(gone) == "NOT_FOUND"
        assert reason(await her.info(access(idle))) == "INVALID_TOKEN"


@Sqlite
async def test_the_last_used_hundred_are_listed_and_all_of_them_end(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, clock=clock) as house:
        her = house.caller()
        pair = tokens(await her.register(ADA))
        db = house.app.database
        t = db.tables.sessions
        (row,) = await db.fetch(t.select())
        for number in range(LONGEST + 5):
            more = row | {"id": f"more {number:03}", "last_used_at": clock() + number}
            await db.change(t.insert(t(**more)))
        listed = [s["id"] for s in await her.sessions(access(pair))]
        assert listed == [f"more {number:03}" for number in reversed(range(5, LONGEST + 5))]
        await her.end("/me/sessions", bearer=access(pair), keep="current")
        assert [s["current"] for s in await her.sessions(access(pair))] == [True]


async def test_she_is_told_what_is_kept_of_her(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    github = GitHub()
    github.welcome(Person(7, "grace", (Email(ADA),)))
    sections = {"providers.github": section_of(github)} | IMMEDIATE
    async with open_house(
        tmp_path, persistence, sections=sections, clock=clock, transport=github.transport()
    ) as house:
        her, began = house.caller(), clock() // SECOND
        pair = tokens(await her.register(ADA))
        me = (await her.ask("/me", bearer=access(pair))).json()
        assert me == {
            "user_id": me["user_id"],
            "addresses": [{"email": ADA, "verified": False, "primary": True}],
            "identities": [],
            "password_enabled": True,
            "created_at": began,
            "last_login_at": began,
        }
        clock.advance(90)
        prompt = (await her.ask("/oauth/url", bearer=access(pair), provider="github")).json()
        back = github.approve(prompt["url"])
        body = {"code": back["code"], "state": back["state"]}
        bound = tokens(await her.say("/oauth/bind", body, bearer=access(pair)))
        later = (await her.ask("/me", bearer=access(bound))).json()
        assert later["addresses"] == [{"email": ADA, "verified": True, "primary": True}]
        assert later["identities"] == [
            {
                "provider": "github",
                "provider_user_id": "7",
                "username": "grace",
                "linked_at": began + 90,
            }
        ]
        assert later["created_at"] == began


@Sqlite
async def test_every_answer_is_as_documented_under_both_prefixes(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        said, her = await documented(house), house.caller()
        pair = tokens(await her.register(ADA))
        for prefix in ("", "/api"):
            url = httpx.URL(f"{house.http.base_url}{prefix}")
            async with spoken.async_client(str(url), said) as http:
                hers = {"Authorization": f"Bearer {access(pair)}"}
                for path in ("/me", "/me/sessions"):
                    assert (await http.get(path)).json()["reason"] == "MISSING_TOKEN"
                    assert (await http.head(path, headers=hers)).status_code == 200
                    answer = await http.get(path, headers=hers)
                    assert (answer.status_code, answer.headers["cache-control"]) == (
                        200,
                        "no-store",
                    )
                for method, path in (
                    ("DELETE", "/me/sessions"),
                    ("DELETE", "/me/sessions/x"),
                    ("POST", "/logout"),
                ):
                    nobody = await http.request(method, path)
                    assert nobody.json()["reason"] == "MISSING_TOKEN"
                    assert nobody.headers["www-authenticate"] == "Bearer"
                unknown = await http.delete("/me/sessions/%00'%20OR%201=1", headers=hers)
                assert unknown.json()["reason"] == "NOT_FOUND"
                wrong = await http.delete("/me/sessions?keep=all", headers=hers)
                assert wrong.json()["details"][0]["field"] == "keep"
                kept = await http.delete("/me/sessions?keep=current", headers=hers)
                assert (kept.status_code, kept.json()) == (200, {})
                options = await http.options("/me/sessions/x")
                assert options.headers["allow"] == "DELETE, OPTIONS"
                assert (await http.put("/me/sessions")).headers["allow"].count("DELETE") == 1
        async with spoken.async_client(str(house.http.base_url), said) as http:
            answer = await http.post("/logout", headers=hers)
            assert (answer.status_code, answer.json()) == (200, {})


@Sqlite
async def test_a_delete_that_says_anything_in_a_body_deletes_nothing(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        her = house.caller()
        pair = tokens(await her.register(ADA))
        hers = {"Authorization": f"Bearer {access(pair)}", "Content-Type": "application/json"}
        said = {"keep": "current"}
        answer = await house.http.request("DELETE", "/me/sessions", json=said, headers=hers)
        assert reason(answer) == "INVALID_ARGUMENT"
        assert reason(await her.info(access(pair))) == "200"
        # A client that only says what it would have sent, and sends nothing, is understood.
        assert reason(await house.http.delete("/me/sessions", headers=hers)) == "200"


@Sqlite
async def test_pages_of_other_origins_learn_what_they_may_do(
    tmp_path: Path, persistence: Persistence
) -> None:
    origin = "https://app.example.com"
    cors = {"cors": {"allowed_origins": [origin]}}
    async with open_house(tmp_path, persistence, sections=cors) as house:
        asked = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
        answer = await house.http.options("/me/sessions", headers=asked)
        assert answer.headers["access-control-allow-methods"] == "GET, HEAD, DELETE"
        one = await house.http.options("/me/sessions/x", headers=asked)
        assert one.headers["access-control-allow-methods"] == "DELETE"
