"""Programs of operators find, make, help and remove users over gRPC, as over REST."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import grpc
import pytest
import running
from callers import access, open_house, section_of, tokens
from google.protobuf.message_factory import GetMessageClass
from grpc_health.v1 import health_pb2, health_pb2_grpc
from homes import PASSWORD, mails_to
from plugged import events
from programs import Program, operated, send
from standin.github import Email, GitHub, Person
from test_grpc_answers import _services

from identra.grpc.server import serving_operators
from identra.grpc.services import ADMIN, IDENTRA, operators

if TYPE_CHECKING:
    from pathlib import Path

    from callers import House

    from identra.settings import Persistence

ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
NOBODY = "01900000-0000-7000-8000-000000000000"
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


async def user_of(program: Program, email: str) -> str:
    """The id of whoever has an address."""
    (found,) = (await program.call("ListUsers", email=email)).answer["users"]
    user_id: str = found["user_id"]
    return user_id


async def get(program: Program, user_id: str) -> dict[str, Any]:
    told = await program.call("GetUser", user_id=user_id)
    assert told.code == 0, told
    return told.answer


async def both(program: Program, method: str, **said: Any) -> dict[str, Any]:
    """What both doors answer alike."""
    over_rpc, over_rest = await program.call(method, **said), await program.ask(method, **said)
    assert over_rpc == over_rest, method
    assert over_rpc.code == 0, over_rpc
    return over_rpc.answer


async def test_users_are_found_by_page_by_address_and_by_its_beginning(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with operated(tmp_path, persistence) as (_, program):
        ids = []
        for name in ("ada", "adam", "bob", "adele"):
            told = await program.call("CreateUser", email=f"{name}@example.com", proved=True)
            ids.append(told.answer["user_id"])
        first = await both(program, "ListUsers", limit=3)
        rest = await both(program, "ListUsers", limit=3, after=first["next"])
        assert [one["user_id"] for one in first["users"] + rest["users"]] == ids
        assert "next" not in rest
        begun = await both(program, "ListUsers", prefix="ADA")
        assert [one["email"] for one in begun["users"]] == [ADA, "adam@example.com"]
        (exact,) = (await both(program, "ListUsers", email=" Ada@Example.com "))["users"]
        assert exact["user_id"] == ids[0]
        assert (await both(program, "ListUsers", email=EVE)) == {"users": []}
        shown = await both(program, "GetUser", user_id=ids[0])
        assert (shown["email"], shown["email_verified"], shown["disabled"]) == (ADA, True, False)
        assert shown["addresses"] == [{"email": ADA, "verified": True, "primary": True}]


async def test_a_user_is_made_shut_out_let_in_and_removed(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with operated(tmp_path, persistence) as (house, program):
        made = await program.call("CreateUser", email=ADA, password=PASSWORD, proved=True)
        user_id = made.answer["user_id"]
        her = house.caller()
        pair = tokens(await her.log_in(ADA))
        shut = {"user_id": user_id, "reason": "asked to leave"}
        assert (await program.call("DisableUser", **shut)).answer == {"changed": True}
        assert (await program.call("DisableUser", **shut)).answer == {"changed": False}
        assert (await her.info(access(pair))).status_code == 401
        shown = await both(program, "GetUser", user_id=user_id)
        assert (shown["disabled"], shown["disabled_reason"]) == (True, "asked to leave")
        let_in = await program.call("EnableUser", user_id=user_id)
        assert let_in.answer == {"changed": True}
        pair = tokens(await her.log_in(ADA))
        assert (await program.call("EndSessions", user_id=user_id)).answer == {"ended": 1}
        assert (await her.info(access(pair))).status_code == 401
        asked = await program.call("RequirePassword", user_id=user_id)
        assert asked.answer == {"required": True}
        refused = await her.log_in(ADA)
        assert refused.json()["reason"] == "PASSWORD_CHANGE_REQUIRED"
        leaving = (await program.call("DeleteUser", user_id=user_id)).answer["leaves_at"]
        assert (await get(program, user_id))["leaves_at"] == leaving
        gone = await program.call("DeleteUser", user_id=user_id, grace="none")
        assert (gone.code, gone.answer) == (0, {})
        assert (await program.call("GetUser", user_id=user_id)).reason == "NOT_FOUND"


async def test_a_user_is_invited_proved_by_hand_and_unlinked(
    tmp_path: Path, persistence: Persistence
) -> None:
    github = GitHub()
    sections = {"providers.github": section_of(github)}
    opened = operated(tmp_path, persistence, sections, transport=github.transport())
    async with opened as (house, program):
        told = await program.call("InviteUser", email=BOB, locale="de-AT")
        bob = told.answer["user_id"]
        assert len(mails_to(house.app, BOB)) == 1
        assert (await get(program, bob))["locale"] == "de"
        proof = {"user_id": bob, "email": BOB}
        assert (await program.call("ProveAddress", **proof)).answer == {"changed": True}
        assert (await both(program, "ProveAddress", **proof)) == {"changed": False}
        further = {"user_id": bob, "email": "bob@example.org"}
        assert (await program.ask("ProveAddress", **further)).answer == {"changed": True}
        assert (await get(program, bob))["email_verified"]
        eve = await _at_github(house, github, EVE)
        (bound,) = (await both(program, "GetUser", user_id=eve))["identities"]
        assert (bound["provider"], bound["provider_user_id"]) == ("github", "7")
        unlink = {"user_id": eve, "provider": "github"}
        assert (await program.call("UnlinkIdentity", **unlink)).answer == {}
        assert (await get(program, eve))["identities"] == []
        assert (await program.call("UnlinkIdentity", **unlink)).reason == "NOT_FOUND"
        taken = await program.call("ProveAddress", user_id=eve, email=BOB)
        assert (taken.code, taken.reason) == (6, "EMAIL_TAKEN")


async def _at_github(house: House, github: GitHub, email: str) -> str:
    """Somebody who came by GitHub, where her address is verified; her id."""
    her = house.caller()
    github.welcome(Person(7, "eve", (Email(email),)))
    prompt = (await her.ask("/oauth/url", provider="github")).json()
    back = github.approve(prompt["url"])
    pair = tokens(await her.say("/oauth/login", {"code": back["code"], "state": back["state"]}))
    user_id: str = (await her.info(access(pair))).json()["user_id"]
    return user_id


async def test_all_that_is_held_is_one_document(tmp_path: Path, persistence: Persistence) -> None:
    async with operated(tmp_path, persistence) as (house, program):
        await house.owner(ADA)
        user_id = await user_of(program, ADA)
        told = await program.call("ExportUser", user_id=user_id)
        document = json.loads(told.answer["document"])
        again = (await program.ask("ExportUser", user_id=user_id)).answer
        for one in (document, again):
            assert one["user"]["user_id"] == user_id
            one.pop("events"), one.pop("attempts")  # of which each export adds some
        assert document == again


async def test_allowances_are_shown_and_given_back(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with operated(tmp_path, persistence) as (house, program):
        her = house.caller()
        await house.owner(ADA)
        for _ in range(5):
            await her.log_in(ADA, "not hers")
        assert (await her.log_in(ADA)).status_code == 429
        who = {"who": ADA, "peer": her.network}
        spent, again = [
            [one | {"seconds": 0} for one in told.answer["limits"]]
            for told in (
                await program.call("ShowLimits", **who),
                await program.ask("ShowLimits", **who),
            )
        ]
        assert spent == again
        assert {one["limit"] for one in spent} >= {"secret"}
        given_back = (await program.call("ReleaseLimits", **who)).answer["limits"]
        assert {one["limit"] for one in given_back} == {one["limit"] for one in spent}
        assert (await her.log_in(ADA, "not hers")).status_code == 401
        released = await events(house, "limit.released")
        assert {one["by"] for one in released} == {program.by}


async def test_providers_keys_and_events_are_told(tmp_path: Path, persistence: Persistence) -> None:
    async with operated(tmp_path, persistence) as (house, program):
        providers = (await both(program, "ListProviders"))["providers"]
        states = {one["name"]: one["state"] for one in providers}
        assert (states["email"], states["password"], states["google"]) == ("on", "on", "off")
        keys = (await both(program, "ListKeys"))["keys"]
        assert {one["purpose"] for one in keys} == {"sig", "mac"}
        await house.owner(ADA)
        user_id = await user_of(program, ADA)
        hers = (await both(program, "ListEvents", user_id=user_id, name="address.proved"))["events"]
        assert [(one["name"], one["user_id"]) for one in hers] == [("address.proved", user_id)]
        until = hers[0]["at"] + 1
        first = await both(program, "ListEvents", user_id=user_id, limit=2, until=until)
        after = {"after": first["next"], "limit": 1000}
        rest = await both(program, "ListEvents", user_id=user_id, until=until, **after)
        found = [one["id"] for one in first["events"] + rest["events"]]
        assert len(found) == len(set(found)) > 2
        assert all(one["user_id"] == user_id for one in first["events"] + rest["events"])
        late = await both(program, "ListEvents", since=until + 3600)
        assert late == {"events": []}


@Sqlite
async def test_what_is_far_too_long_is_not_said_again(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Else the refusal would be too long for a client to read why."""
    async with operated(tmp_path, persistence) as (_, program):
        for asked in ({"peer": "x" * 60_000}, {"who": "x" * 60_000 + ":1"}):
            told = await program.call("ShowLimits", **asked)
            assert told.reason == "INVALID_ARGUMENT"
            answer = await program.ask(
                "ShowLimits", **{key: value[-3000:] for key, value in asked.items()}
            )
            assert len(str(answer)) < 1000


@Sqlite
async def test_each_call_is_on_record_and_so_is_who_had_it_done(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with operated(tmp_path, persistence) as (house, program):
        made = await program.call("CreateUser", email=ADA, proved=True)
        user_id = made.answer["user_id"]
        await program.call("DisableUser", user_id=user_id, reason="")
        await program.call("ListEvents", user_id=user_id)
        called = [(one["act"], one["user_id"]) for one in await events(house, "admin.called")]
        assert called == [
            ("users.create", None),
            ("users.prove_address", None),
            ("users.disable", user_id),
            ("events.read", None),
        ]
        for name in ("user.created", "address.proved", "user.disabled"):
            (told,) = await events(house, name)
            assert told["by"] == program.by


REFUSED: list[tuple[str, dict[str, Any], str, str | None]] = [
    ("GetUser", {"user_id": NOBODY}, "NOT_FOUND", None),
    ("GetUser", {"user_id": ADA}, "NOT_FOUND", None),
    ("GetUser", {"user_id": "no one"}, "NOT_FOUND", None),
    ("ListUsers", {"limit": 0}, "INVALID_ARGUMENT", "limit"),
    ("ListUsers", {"limit": 1001}, "INVALID_ARGUMENT", "limit"),
    ("ListUsers", {"after": "\x07"}, "INVALID_ARGUMENT", "after"),
    ("ListUsers", {"email": "no address"}, "INVALID_ARGUMENT", "email"),
    ("ListUsers", {"email": ADA, "prefix": "a"}, "INVALID_ARGUMENT", "prefix"),
    ("ListEvents", {"since": -1}, "INVALID_ARGUMENT", "since"),
    ("ListEvents", {"until": 10**13}, "INVALID_ARGUMENT", "until"),
    ("ListEvents", {"name": "user.adored"}, "INVALID_ARGUMENT", "name"),
    ("ListEvents", {"after": "here"}, "INVALID_ARGUMENT", "after"),
    ("CreateUser", {"email": ADA, "password": "short"}, "INVALID_ARGUMENT", "password"),
    ("InviteUser", {}, "INVALID_ARGUMENT", "email"),
    ("DisableUser", {"user_id": NOBODY, "reason": "a\nb"}, "INVALID_ARGUMENT", "reason"),
    ("ProveAddress", {"user_id": NOBODY, "email": ADA}, "NOT_FOUND", None),
    ("DeleteUser", {"user_id": NOBODY, "grace": "soon"}, "INVALID_ARGUMENT", "grace"),
    ("ShowLimits", {}, "INVALID_ARGUMENT", "who"),
    ("ReleaseLimits", {"peer": "here"}, "INVALID_ARGUMENT", "peer"),
    ("ShowLimits", {"who": "pigeon:ada"}, "INVALID_ARGUMENT", "who"),
]


@Sqlite
async def test_both_doors_refuse_alike(tmp_path: Path, persistence: Persistence) -> None:
    async with operated(tmp_path, persistence) as (_, program):
        for method, said, reason, field in REFUSED:
            for told in (await program.call(method, **said), await program.ask(method, **said)):
                named = {name for name, _ in told.fields}
                assert (told.reason, named) == (reason, {field} if field else set()), (method, said)
        told = await program.call("GetUser", user_id="")  # by REST that is another's path
        assert {name for name, _ in told.fields} == {"user_id"}


@Sqlite
async def test_unless_operators_are_let_in_there_is_no_such_service(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with (
        open_house(tmp_path, persistence) as house,
        running.rpc_of(house.app) as place,
        grpc.aio.insecure_channel(place) as channel,
    ):
        assert not operators(house.app)
        assert await there(channel, ADMIN) is False
        assert await there(channel, IDENTRA) is True


@Sqlite
@pytest.mark.parametrize("apart", [False, True])
async def test_with_a_port_of_its_own_it_is_there_alone(
    tmp_path: Path, persistence: Persistence, apart: bool
) -> None:
    """Health and reflection tell of each port what is served there."""
    own = {"port": 0, "grpc_port": 0} if apart else {}
    said = {"admin": {"enabled": True, **own}, "grpc": {"reflection": True}}
    async with open_house(tmp_path, persistence, sections=said) as house:
        async with running.rpc_of(house.app) as place, grpc.aio.insecure_channel(place) as channel:
            assert await there(channel, IDENTRA)
            assert await there(channel, ADMIN) is not apart
            assert (ADMIN.full_name in (await reflected(place))) is not apart
        serving = serving_operators(house.app, "127.0.0.1:0")
        async with serving as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert await there(channel, ADMIN)
            assert not await there(channel, IDENTRA)
            told = await reflected(f"127.0.0.1:{port}")
            assert (ADMIN.full_name in told, IDENTRA.full_name in told) == (True, False)


async def there(channel: grpc.aio.Channel, service: Any) -> bool:
    """Whether a service is there: its methods, and its health."""
    method = service.methods[0]
    answer = GetMessageClass(method.output_type)
    told = await send(channel, service.full_name, method.name, b"", (), answer)
    unknown = await send(channel, "acme.v1.Acme", "Call", b"", (), answer)
    assert (unknown.code, unknown.reason) == (12, "METHOD_NOT_ALLOWED")
    health = await health_pb2_grpc.HealthStub(channel).List(health_pb2.HealthListRequest())
    assert (service.full_name in health.statuses) is (told != unknown)
    return told != unknown


async def reflected(place: str) -> set[str]:
    return await asyncio.to_thread(_services, place) or set()
