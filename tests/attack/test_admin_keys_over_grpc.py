"""The attacker holds an admin key that was made for something else, or a token of another kind,
and calls each method of the operators' service with it.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from callers import access, refresh
from homes import PASSWORD
from plugged import events
from programs import Program, given, operated, send

from identra.adminkeys import SCOPES
from identra.grpc.admin import ERRANDS
from identra.grpc.identra.admin.v1 import admin_pb2 as admin
from identra.grpc.identra.v1 import identra_pb2 as v1
from identra.grpc.services import ADMIN, IDENTRA

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from callers import House

    from identra.settings import Persistence

ADA, EVE = "ada@example.com", "eve@example.com"
BESIDE = {"admin_keys", "events", "attempts"}
"""Where a refused call may leave something: its record, and when the key was used."""
COUNTED = ("limit:fail_admin", "limit:ended_admin")
"""And what counts her guesses, and what is over."""


@asynccontextmanager
async def house_of_ada(
    folder: Path, place: Persistence
) -> AsyncIterator[tuple[House, Program, dict[str, Any], dict[str, Any]]]:
    """A house where Ada lives, what each method takes about her, and her tokens."""
    async with operated(folder, place) as (house, program):
        her, pair = await house.owner(ADA)
        user_id = (await her.info(access(pair))).json()["user_id"]
        known = {
            "user_id": user_id,
            "email": EVE,
            "who": ADA,
            "provider": "github",
            "reason": "x",
            "password": PASSWORD,
            "proved": True,
            "grace": "none",
        }
        yield house, program, known, pair


def said(method: str, known: dict[str, Any]) -> dict[str, Any]:
    """A message that would do something."""
    fields = {field.name for field in ADMIN.methods_by_name[method].input_type.fields}
    about = {name: value for name, value in known.items() if name in fields}
    return about if method not in {"ListUsers", "ListEvents"} else {}


async def held(house: House) -> dict[str, Any]:
    """Every row of every table that a refused call must leave as it is."""
    db = house.app.database
    named = {table._meta.tablename.removeprefix("identra_"): table for table in db.tables.every()}
    kept = {name: table for name, table in named.items() if name not in BESIDE}
    rows = {name: map(str, await db.fetch(one.select())) for name, one in kept.items()}
    return {
        name: sorted(row for row in its if not any(key in row for key in COUNTED))
        for name, its in rows.items()
    }


async def test_a_key_of_every_scope_but_the_one_it_takes_does_nothing(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with house_of_ada(tmp_path, persistence) as (house, program, known, _):
        before = await held(house)
        for method, errand in ERRANDS.items():
            others = [scope for scope in SCOPES if scope != errand.clears.scope]
            name = f"not.{method.lower()}"
            lacking = await given(house, program.channel, name, others)
            told = await lacking.call(method, **said(method, known))
            assert (told.code, told.reason) == (7, "INSUFFICIENT_SCOPE"), method
            assert told.answer == {}
            name, scope = f"only.{method.lower()}", errand.clears.scope
            only = await given(house, program.channel, name, [scope])
            assert (await only.call(method)).reason != "INSUFFICIENT_SCOPE", method
        assert await held(house) == before


async def test_a_message_of_a_caller_without_a_key_is_not_even_judged(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Neither what is wrong with it, nor whom it is about, is told to strangers."""
    async with house_of_ada(tmp_path, persistence) as (house, program, known, _):
        before = await held(house)
        for method in ERRANDS:
            for asked in ({}, said(method, known)):
                told = await program.showing(None).call(method, **asked)
                assert (told.code, told.reason) == (16, "MISSING_TOKEN"), method
        assert await held(house) == before


async def test_bytes_that_are_no_message_are_told_to_nobody_without_a_key(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with operated(tmp_path, persistence) as (house, program):
        service, answer = ADMIN.full_name, admin.DisableUserResponse
        key = (("authorization", f"Bearer {program.key}"),)
        for raw, reason in (
            (b"\xff\xff\xff", "INVALID_ARGUMENT"),
            (b"\x0a\x01\x00", "INVALID_ARGUMENT"),
            (b"\x0a\x80\xa0\x06" + b"x" * 102_400, "BODY_TOO_LARGE"),
        ):
            call = partial(send, program.channel, service, "DisableUser", raw)
            assert (await call((), answer)).reason == "MISSING_TOKEN"
            assert (await call(key, answer)).reason == reason
        assert {one["user_id"] for one in await events(house, "admin.called")} == {None}


async def test_what_is_no_key_opens_nothing(tmp_path: Path, persistence: Persistence) -> None:
    async with house_of_ada(tmp_path, persistence) as (house, program, known, pair):
        back = house.app.backoffice
        assert back
        assert program.key
        revoked = await given(house, program.channel, "revoked", SCOPES)
        await back.clearance._keys.revoke("revoked")
        shown = {
            "an access token": access(pair),
            "a refresh token": refresh(pair),
            "a revoked key": revoked.key,
            "a key cut short": program.key[:-1],
            "a key twice": f"{program.key} {program.key}",
            "another's secret": program.key[:-64] + "0" * 64,
        }
        before = await held(house)
        for what, key in shown.items():
            for method in ("DisableUser", "ListUsers"):
                told = await program.showing(key).call(method, **said(method, known))
                assert (told.code, told.reason) == (16, "INVALID_TOKEN"), what
        assert await held(house) == before


async def test_guesses_of_keys_are_counted_and_past_them_a_right_one_waits(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Wherever they are tried: both doors spend one allowance."""
    async with operated(tmp_path, persistence) as (_, program):
        wrong = program.showing("identra_admin_" + "0" * 16 + "_" + "0" * 64)
        for turn in range(10):
            told = await (wrong.call("ListKeys") if turn % 2 else wrong.ask("ListKeys"))
            assert told.reason == "INVALID_TOKEN"
        assert (await wrong.call("ListKeys")).reason == "RATE_LIMITED"
        assert (await program.call("ListKeys")).reason == "RATE_LIMITED"


async def test_an_admin_key_is_nobody_s_token(tmp_path: Path, persistence: Persistence) -> None:
    async with operated(tmp_path, persistence) as (_, program):
        bearer = (("authorization", f"Bearer {program.key}"),)
        for method, answer in (
            ("GetCurrentUserLoginInfo", v1.GetCurrentUserLoginInfoResponse),
            ("BindUserByOAuth", v1.BindUserByOAuthResponse),
            ("GetOAuthAuthorizationURL", v1.GetOAuthAuthorizationURLResponse),
        ):
            request = getattr(v1, f"{method}Request")()
            for name in ("code", "state", "provider"):
                if name in type(request).DESCRIPTOR.fields_by_name:
                    setattr(request, name, "github")
            told = await send(program.channel, IDENTRA.full_name, method, request, bearer, answer)
            assert told.reason in {"INVALID_TOKEN", "UNKNOWN_PROVIDER"}, told
            assert told.code
        assert program.key
        request = v1.RefreshTokenRequest(refresh_token=program.key)
        told = await send(
            program.channel, IDENTRA.full_name, "RefreshToken", request, (), v1.RefreshTokenResponse
        )
        assert told.reason == "INVALID_REFRESH_TOKEN"
