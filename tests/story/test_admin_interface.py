"""A program of an operator's finds somebody, helps her, shuts her out, and lets her leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import spoken
from callers import IMMEDIATE, access, open_house, reason, section_of, tokens
from clerks import LET_IN, clerk
from homes import PASSWORD, mails_to
from standin.github import Email, GitHub, Person

from identra.values import DAY, SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from callers import House
    from clerks import Clerk
    from clock import FrozenClock

    from identra.settings import Persistence

ADA, BOB = "ada@example.com", "bob@example.com"
ON = LET_IN | IMMEDIATE
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


async def her_id(desk: Clerk, email: str) -> str:
    (user,) = (await desk.ask("/admin/users", email=email))["users"]
    user_id: str = user["user_id"]
    return user_id


async def recorded(desk: Clerk, user_id: str) -> list[tuple[str, dict[str, str]]]:
    """What is on record about somebody, oldest first, but for calls that only look."""
    page = await desk.ask("/admin/events", user_id=user_id, limit="1000")
    assert "next" not in page
    return [(one["name"], one["data"]) for one in reversed(page["events"])]


async def test_somebody_is_made_found_and_shown(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        desk, now = await clerk(house), clock() // SECOND
        said = {"email": "Ada@Example.com", "password": PASSWORD, "proved": True}
        made = await desk.say("/admin/users", said)
        assert await desk.say("/admin/users", said) == "EMAIL_TAKEN"
        hers = {
            "user_id": made["user_id"],
            "email": ADA,
            "email_verified": True,
            "disabled": False,
            "created_at": now,
        }
        for query in ({"email": "ADA@example.com"}, {"prefix": "ad"}, {}):
            assert await desk.ask("/admin/users", **query) == {"users": [hers]}
        for query in ({"email": BOB}, {"prefix": "b"}):
            assert await desk.ask("/admin/users", **query) == {"users": []}
        assert await desk.ask("/admin/users", email=ADA, prefix="a") == "INVALID_ARGUMENT"
        clock.advance(60)
        tokens(await house.caller().log_in(ADA))
        assert await desk.ask(f"/admin/users/{made['user_id']}") == hers | {
            "last_login_at": now + 60,
            "addresses": [{"email": ADA, "verified": True, "primary": True}],
            "identities": [],
            "secrets": ["password"],
        }


async def test_users_come_page_by_page(tmp_path: Path, persistence: Persistence) -> None:
    """One who is made or goes meanwhile moves no other out of the pages or into two."""
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk = await clerk(house)
        ids = [
            (await desk.say("/admin/users", {"email": f"a{number}@example.com"}))["user_id"]
            for number in range(5)
        ]
        for query in ({}, {"prefix": "a"}):
            first = await desk.ask("/admin/users", limit="2", **query)
            second = await desk.ask("/admin/users", limit="2", after=first["next"], **query)
            third = await desk.ask("/admin/users", limit="2", after=second["next"], **query)
            found = [u["user_id"] for page in (first, second, third) for u in page["users"]]
            assert (found, "next" in third) == (ids, False)
        await desk.end(f"/admin/users/{ids[1]}", grace="none")
        second = await desk.ask("/admin/users", limit="2", after=first["next"], prefix="a")
        assert [user["user_id"] for user in second["users"]] == ids[2:4]
        for wrong in ({"limit": "0"}, {"limit": "1001"}, {"limit": "x"}, {"after": "\n"}):
            assert await desk.ask("/admin/users", **wrong) == "INVALID_ARGUMENT"


async def test_who_is_shut_out_stays_out_until_she_is_let_in(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk, her = await clerk(house), house.caller()
        pair = tokens(await her.register(ADA))
        user_id = await her_id(desk, ADA)
        path = f"/admin/users/{user_id}"
        assert await desk.say(f"{path}/disable", {"reason": "chargeback"}) == {"changed": True}
        assert await desk.say(f"{path}/disable", {"reason": "again"}) == {"changed": False}
        assert reason(await her.info(access(pair))) == "INVALID_TOKEN"
        assert reason(await her.log_in(ADA)) == "USER_DISABLED"
        shown = await desk.ask(path)
        assert (shown["disabled"], shown["disabled_reason"]) == (True, "chargeback")
        assert await desk.say(f"{path}/enable") == {"changed": True}
        assert await desk.say(f"{path}/enable") == {"changed": False}
        tokens(await her.log_in(ADA))
        assert await desk.end(f"{path}/sessions") == {"ended": 1}
        told = [one for one in await recorded(desk, user_id) if one[1].get("by")]
        assert [(name, data["by"]) for name, data in told] == [
            (name, "admin key ci")
            for name in ("user.disabled", "session.revoked", "user.enabled", "session.revoked")
        ]


async def test_a_new_password_is_asked_for(tmp_path: Path, persistence: Persistence) -> None:
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk, her = await clerk(house), house.caller()
        await her.register(ADA)
        path = f"/admin/users/{await her_id(desk, ADA)}"
        assert await desk.say(f"{path}/require-password") == {"required": True}
        assert reason(await her.log_in(ADA)) == "PASSWORD_CHANGE_REQUIRED"
        invited = (await desk.say("/admin/invitations", {"email": BOB}))["user_id"]
        path = f"/admin/users/{invited}/require-password"
        assert await desk.say(path) == {"required": False}


@Sqlite
async def test_whoever_is_invited_is_written_to_in_her_language(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk = await clerk(house)
        made = await desk.say("/admin/invitations", {"email": BOB, "locale": "fr"})
        assert (await desk.ask(f"/admin/users/{made['user_id']}"))["locale"] == "fr"
        assert len(mails_to(house.app, BOB)) == 1
        assert await desk.say("/admin/invitations", {"email": BOB, "locale": "fr"}) == made
        _, pair = await house.owner(BOB)
        info = await house.caller().info(access(pair))
        assert info.json()["user_id"] == made["user_id"]
        assert await desk.say("/admin/invitations", {"email": BOB}) == "EMAIL_TAKEN"


async def test_an_address_is_proved_and_an_identity_taken_away(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Never her last way in."""
    github = GitHub()
    github.welcome(Person(7, "grace", (Email("elsewhere@example.com", verified=False),)))
    sections = ON | {"providers.github": section_of(github)}
    async with open_house(
        tmp_path, persistence, sections=sections, transport=github.transport()
    ) as house:
        desk, her = await clerk(house), house.caller()
        prompt = (await her.ask("/oauth/url", provider="github")).json()
        back = github.approve(prompt["url"])
        pair = tokens(await her.say("/oauth/login", {"code": back["code"], "state": back["state"]}))
        user_id = (await her.info(access(pair))).json()["user_id"]
        path = f"/admin/users/{user_id}"
        assert await desk.end(f"{path}/identities/github") == "LAST_LOGIN_METHOD"
        proof = {"email": ADA, "keep": True}
        assert await desk.say(f"{path}/addresses/prove", proof) == {"changed": True}
        assert await desk.say(f"{path}/addresses/prove", proof) == {"changed": False}
        shown = await desk.ask(path)
        assert shown["identities"][0]["provider_user_id"] == "7"
        assert shown["addresses"] == [{"email": ADA, "verified": True, "primary": True}]
        assert await desk.end(f"{path}/identities/github") == {}
        assert await desk.end(f"{path}/identities/github") == "NOT_FOUND"
        other = (await desk.say("/admin/users", {"email": BOB, "proved": True}))["user_id"]
        taken = await desk.say(f"/admin/users/{other}/addresses/prove", {"email": ADA})
        assert taken == "EMAIL_TAKEN"


async def test_whoever_leaves_has_her_grace_and_is_gone_without(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        desk = await clerk(house)
        await house.caller().register(ADA)
        user_id = await her_id(desk, ADA)
        path = f"/admin/users/{user_id}"
        held = await desk.ask(f"{path}/export")
        assert [one["email"] for one in held["addresses"]] == [ADA]
        leaves_at = (clock() + 14 * DAY) // SECOND
        assert await desk.end(path) == {"leaves_at": leaves_at}
        assert (await desk.ask(path))["leaves_at"] == leaves_at
        assert await desk.end(path, grace="none") == {}
        for gone in (path, f"{path}/export"):
            assert await desk.ask(gone) == "NOT_FOUND"
        assert await desk.end(path) == "NOT_FOUND"
        assert await house.rows("users", "emails", "sessions") == {
            "users": 0,
            "emails": 0,
            "sessions": 0,
        }
        page = await desk.ask("/admin/events", name="user.deleted")
        assert [one["data"]["by"] for one in page["events"]] == ["admin key ci"]


async def test_what_somebody_has_spent_is_given_back(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        desk, her = await clerk(house), house.caller()
        await her.register(ADA)
        user_id = await her_id(desk, ADA)
        for _ in range(6):
            last = await her.log_in(ADA, "not the right password")
        assert reason(last) == "RATE_LIMITED"
        waits = [one for one in await _spent(desk, who=ADA) if one["state"]]
        assert [(one["limit"], one["network"]) for one in waits] == [("secret", her.network)]
        assert await _spent(desk, who=user_id) == await _spent(desk, who=f"password:{ADA}")
        given = await desk.say("/admin/limits/release", {"who": user_id})
        assert len(given["limits"]) > 1
        assert await _spent(desk, who=ADA) == []
        tokens(await her.log_in(ADA))
        released = [data for name, data in await recorded(desk, user_id) if "released" in name]
        assert {data["by"] for data in released} == {"admin key ci"}
        for wrong in ({}, {"who": "sms:1"}, {"peer": "here"}):
            assert await desk.ask("/admin/limits", **wrong) == "INVALID_ARGUMENT"
            assert await desk.say("/admin/limits/release", wrong) == "INVALID_ARGUMENT"
        assert await desk.ask("/admin/limits", who="nobody") == "NOT_FOUND"


async def _spent(desk: Clerk, **query: str) -> list[dict[str, Any]]:
    spent: list[dict[str, Any]] = (await desk.ask("/admin/limits", **query))["limits"]
    return sorted(spent, key=str)


async def test_events_are_read_page_by_page_newest_first(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """What is recorded meanwhile, be it this very reading, is on no later page."""
    async with open_house(tmp_path, persistence, sections=ON, clock=clock) as house:
        desk, began = await clerk(house), clock() // SECOND
        for number in range(5):
            await house.app.office.create(f"a{number}@example.com", None, proved=True, by="test")
            clock.advance(1 if number % 2 else 0)
        query = {"name": "user.created", "limit": "2"}
        first = await desk.ask("/admin/events", **query)
        second = await desk.ask("/admin/events", **query, after=first["next"])
        third = await desk.ask("/admin/events", **query, after=second["next"])
        told = [one for page in (first, second, third) for one in page["events"]]
        assert ([one["at"] - began for one in told], "next" in third) == ([2, 1, 1, 0, 0], False)
        assert len({one["id"] for one in told}) == 5
        some = await desk.ask(
            "/admin/events", name="user.created", since=str(began + 1), until=str(began + 2)
        )
        assert [one["at"] - began for one in some["events"]] == [1, 1]
        (hers,) = (
            await desk.ask("/admin/events", user_id=told[0]["user_id"], name="user.created")
        )["events"]
        assert hers == told[0]
        for wrong in ({"name": "user.made"}, {"after": "x"}, {"since": "-1"}, {"limit": "0"}):
            assert await desk.ask("/admin/events", **wrong) == "INVALID_ARGUMENT"


@Sqlite
async def test_the_ring_is_shown_without_its_private_parts(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk = await clerk(house)
        keys = (await desk.ask("/admin/keys"))["keys"]
        assert {(one["purpose"], one["state"]) for one in keys} == {
            ("sig", "active"),
            ("mac", "active"),
        }
        t = house.app.database.tables.keys
        for row in await house.app.database.fetch(t.select(t.sealed)):
            assert row["sealed"] not in str(keys)


@Sqlite
async def test_the_providers_are_told_with_their_state(
    tmp_path: Path, persistence: Persistence
) -> None:
    sections = ON | {
        "providers.github": {"client_id": "only"},
        "providers.gitlab": section_of(GitHub()) | {"enabled": False},
    }
    async with open_house(tmp_path, persistence, sections=sections) as house:
        listed = (await (await clerk(house)).ask("/admin/providers"))["providers"]
        told = {one["name"]: (one["kind"], one["state"], one.get("reason")) for one in listed}
        assert told["password"] == ("secret", "on", None)
        assert told["email"] == ("code", "on", None)
        assert told["github"] == ("oauth2", "lacking", "missing_client_secret")
        assert told["gitlab"] == ("oidc", "off", None)


@Sqlite
async def test_what_a_program_did_is_hers_without_the_program(
    tmp_path: Path, persistence: Persistence
) -> None:
    """She reads that somebody looked at her, and not from which network."""
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk, her = await clerk(house), house.caller()
        pair = tokens(await her.register(ADA))
        await desk.ask(f"/admin/users/{await her_id(desk, ADA)}")
        held = (await her.ask("/me/export", bearer=access(pair))).json()
        called = [one["data"] for one in held["events"] if one["name"] == "admin.called"]
        assert called == [{"act": "users.show"}]


@Sqlite
async def test_every_answer_is_as_documented_and_kept_by_nobody(
    tmp_path: Path, persistence: Persistence
) -> None:
    cors = {"cors": {"allowed_origins": ["https://app.example.com"]}}
    async with open_house(tmp_path, persistence, sections=ON | cors) as house:
        desk: Clerk = await clerk(house)
        said = (await house.http.get("/openapi.json")).json()
        await house.caller().register(ADA)
        user_id = await her_id(desk, ADA)
        operations = [one for one in _operations(house) if one.path != "/admin/users/{user_id}"]
        last = [one for one in _operations(house) if one.path == "/admin/users/{user_id}"]
        for operation in (*operations, *sorted(last, key=lambda one: one.method, reverse=True)):
            house.http.headers["Origin"] = "https://app.example.com"
            answer = await desk.call(operation, user_id)
            spoken.validate(answer, said)
            assert answer.status_code in {200, 404}, answer.text
            assert answer.headers["cache-control"] == "no-store"
            assert "access-control-allow-origin" not in answer.headers
            security = said["paths"][operation.path][operation.method.lower()]["security"]
            assert security == [{"admin_key": [operation.clears.scope]}]
        asks = {"Access-Control-Request-Method": "GET"}
        preflight = await house.http.options("/admin/users", headers=asks)
        assert preflight.headers["allow"] == "GET, HEAD, POST, OPTIONS"
        assert "access-control-allow-methods" not in preflight.headers
        own = await house.http.options("/me", headers=asks)
        assert "access-control-allow-methods" in own.headers


def _operations(house: House) -> list[Any]:
    from identra.http.routes import public_operations

    return [one for one in public_operations(house.app.settings, house.app.providers) if one.clears]
