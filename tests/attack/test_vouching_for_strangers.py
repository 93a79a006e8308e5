"""Attack: come into somebody's account with an admin key that was made for helping users alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from callers import IMMEDIATE, access, open_house, reason, tokens
from clerks import LET_IN, clerk
from homes import PASSWORD, code_for, mails_to
from plugged import events
from programs import given, operated

from identra.adminkeys import SCOPES

if TYPE_CHECKING:
    from pathlib import Path

    from callers import House

    from identra.adminkeys import Scope
    from identra.settings import Persistence

ADA, EVE, BOB = "ada@example.com", "eve@example.com", "bob@example.com"
ON = LET_IN | IMMEDIATE
LESS: tuple[Scope, ...] = tuple(scope for scope in SCOPES if scope != "users:prove")
"""All that a key may do but say whose an address is."""


async def everything(house: House) -> list[Any]:
    """Whoever is there, with what is hers."""
    return [await house.app.office.list(limit=10), *(await house.rows("credentials")).items()]


async def test_nobody_adds_an_address_of_her_own_to_an_account_and_comes_in_by_it(
    tmp_path: Path, persistence: Persistence
) -> None:
    """By a code that is mailed there she would be the user whom she only was to help."""
    async with open_house(tmp_path, persistence, sections=ON) as house:
        her, pair = await house.owner(ADA)
        user_id = (await her.info(access(pair))).json()["user_id"]
        desk, eve = await clerk(house, scopes=LESS), house.caller()
        before = await everything(house)
        path = f"/admin/users/{user_id}/addresses/prove"
        for said in ({"email": EVE}, {"email": EVE, "keep": True}):
            assert await desk.say(path, said) == "INSUFFICIENT_SCOPE"
        assert await everything(house) == before
        await eve.ask_code(EVE)
        own = tokens(await eve.answer(EVE, code_for(house.app, EVE)))
        assert (await eve.info(access(own))).json()["user_id"] != user_id


async def test_nobody_is_waiting_with_a_password_in_the_account_of_one_who_has_not_come_yet(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Neither made as proved, nor proved into an account that is the planter's."""
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk, eve = await clerk(house, scopes=LESS), house.caller()
        planted = {"email": ADA, "password": PASSWORD, "proved": True}
        assert await desk.say("/admin/users", planted) == "INSUFFICIENT_SCOPE"
        assert await desk.say("/admin/users", planted | {"password": None}) == "INSUFFICIENT_SCOPE"
        hers = (await eve.info(access(tokens(await eve.register(EVE))))).json()["user_id"]
        path = f"/admin/users/{hers}/addresses/prove"
        assert await desk.say(path, {"email": ADA, "keep": True}) == "INSUFFICIENT_SCOPE"
        assert "user_id" in await desk.say("/admin/users", planted | {"proved": False})
        ada, pair = await house.owner(ADA)
        assert (await ada.info(access(pair))).json()["password_enabled"] is False
        assert reason(await eve.log_in(ADA)) == "INVALID_CREDENTIALS"
        assert mails_to(house.app, EVE) == []


async def test_that_it_was_tried_is_on_record_through_either_door(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with operated(tmp_path, persistence) as (house, program):
        less = await given(house, program.channel, "less", LESS)
        for door in (less.call, less.ask):
            told = await door("CreateUser", email=ADA, proved=True)
            assert (told.code, told.reason) == (7, "INSUFFICIENT_SCOPE")
        assert await house.rows("users") == {"users": 0}
        calls = await events(house, "admin.called")
        assert [(one["act"], one.get("refused")) for one in calls] == [
            ("users.create", None),
            ("users.prove_address", "INSUFFICIENT_SCOPE"),
        ] * 2
        assert (await program.call("CreateUser", email=BOB, proved=True)).code == 0
        assert (await less.call("CreateUser", email=ADA)).code == 0
