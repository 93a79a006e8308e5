"""A person has several addresses, and one of them is the primary."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from callers import IMMEDIATE, Caller, House, access, open_house, reason, section_of, tokens
from homes import PASSWORD, code_for, mails_to
from standin.github import GitHub, Person

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from clock import FrozenClock

    from identra.settings import Persistence

ADA, WORK, OTHER = "ada@example.com", "ada@work.example.com", "a/d+a@example.com"
ADDED = "An address was added to your Identra account"
REMOVED = "An address was removed from your Identra account"
CHANGED = "The address of your Identra account was changed"
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


async def confirm(her: Caller, bearer: str, email: str, code: str) -> httpx.Response:
    said = {"email": email, "code": code}
    return await her.say("/me/addresses/confirm", said, bearer=bearer)


async def add(house: House, her: Caller, bearer: str, email: str) -> httpx.Response:
    asked = await her.say("/me/addresses", {"email": email}, bearer=bearer)
    assert (asked.status_code, asked.json()) == (200, {}), asked.text
    return await confirm(her, bearer, email, code_for(house.app, email))


async def promote(her: Caller, bearer: str, email: str) -> httpx.Response:
    hers = {"Authorization": f"Bearer {bearer}", "X-Forwarded-For": her.network}
    return await her.http.put("/me/addresses/primary", json={"email": email}, headers=hers)


async def remove(her: Caller, bearer: str, email: str) -> httpx.Response:
    part = email.replace("/", "%2F").replace("@", "%40")
    return await her.http.delete(
        f"/me/addresses/{part}",
        headers={"Authorization": f"Bearer {bearer}", "X-Forwarded-For": her.network},
    )


async def hers(her: Caller, bearer: str) -> dict[str, tuple[bool, bool]]:
    """Her addresses: which are proved, and which is the primary."""
    answer = await her.ask("/me/addresses", bearer=bearer)
    listed: list[dict[str, Any]] = answer.json()["addresses"]
    assert (await her.ask("/me", bearer=bearer)).json()["addresses"] == listed
    return {one["email"]: (one["verified"], one["primary"]) for one in listed}


async def email_of(her: Caller, bearer: str) -> str:
    told: str = (await her.info(bearer)).json()["email"]
    return told


async def test_a_further_address_joins_by_its_code_and_opens_the_account(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, pair = await house.owner(ADA)
        bearer = access(pair)
        clock.advance(1)
        assert reason(await confirm(her, bearer, WORK, "000000")) == "INVALID_CODE"
        assert (await add(house, her, bearer, WORK)).json() == {}
        assert await hers(her, bearer) == {ADA: (True, True), WORK: (True, False)}
        assert mails_to(house.app, ADA)[-1] == ADDED
        code = code_for(house.app, WORK)
        assert reason(await confirm(her, bearer, WORK, code)) == "INVALID_CODE", "once"
        await her.ask_code(WORK)
        by_work = tokens(await her.answer(WORK, code_for(house.app, WORK)))
        assert (await her.info(access(by_work))).json()["user_id"] == (
            (await her.info(bearer)).json()["user_id"]
        )


async def test_the_primary_address_is_what_she_chose_and_the_former_one_is_told(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, pair = await house.owner(ADA)
        bearer = access(pair)
        clock.advance(1)
        await add(house, her, bearer, WORK)
        assert await email_of(her, bearer) == ADA, "the oldest proved one"
        answer = await promote(her, bearer, WORK)
        assert (answer.status_code, answer.json()) == (200, {})
        assert await email_of(her, bearer) == WORK
        assert mails_to(house.app, ADA)[-1] == CHANGED
        assert await hers(her, bearer) == {ADA: (True, False), WORK: (True, True)}
        told = len(mails_to(house.app, ADA)) + len(mails_to(house.app, WORK))
        assert reason(await promote(her, bearer, WORK)) == "200"
        assert len(mails_to(house.app, ADA)) + len(mails_to(house.app, WORK)) == told
        assert reason(await promote(her, bearer, "bob@example.com")) == "NOT_FOUND"


async def test_a_removed_address_opens_nothing_and_the_next_takes_the_primary_place(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, pair = await house.owner(ADA)
        bearer = access(pair)
        for email in (WORK, OTHER):
            clock.advance(1)
            await add(house, her, bearer, email)
        await promote(her, bearer, OTHER)
        answer = await remove(her, bearer, OTHER)
        assert (answer.status_code, answer.json()) == (200, {})
        assert await email_of(her, bearer) == ADA
        assert mails_to(house.app, OTHER)[-1] == mails_to(house.app, ADA)[-1] == REMOVED
        assert reason(await remove(her, bearer, ADA)) == "200"
        assert await hers(her, bearer) == {WORK: (True, True)}
        assert reason(await remove(her, bearer, ADA)) == "NOT_FOUND"
        refused = await remove(her, bearer, WORK)
        assert (refused.status_code, reason(refused)) == (400, "LAST_LOGIN_METHOD")
        stranger, theirs = await house.owner(ADA)
        assert (await stranger.info(access(theirs))).json()["user_id"] != (
            (await her.info(bearer)).json()["user_id"]
        )


@Sqlite
async def test_the_only_proved_address_stays_whatever_else_opens_the_account(
    tmp_path: Path, persistence: Persistence
) -> None:
    github = GitHub()
    github.welcome(Person(7, "ada", ()))
    sections = {"providers.github": section_of(github)}
    opened = open_house(tmp_path, persistence, sections=sections, transport=github.transport())
    async with opened as house:
        her, pair = await house.owner(ADA)
        bearer = access(pair)
        prompt = (await her.ask("/oauth/url", bearer=bearer, provider="github")).json()
        back = github.approve(prompt["url"])
        body = {"code": back["code"], "state": back["state"]}
        tokens(await her.say("/oauth/bind", body, bearer=bearer))
        assert reason(await remove(her, bearer, ADA)) == "LAST_LOGIN_METHOD"


@Sqlite
async def test_what_another_proved_is_taken_and_what_another_claims_is_not(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        her, pair = await house.owner(ADA)
        await house.owner(WORK)
        assert reason(await add(house, her, access(pair), WORK)) == "EMAIL_TAKEN"
        claimant = house.caller()
        claimed = tokens(await claimant.register(OTHER))
        assert reason(await add(house, her, access(pair), OTHER)) == "200"
        assert (await hers(her, access(pair)))[OTHER] == (True, False)
        assert reason(await claimant.info(access(claimed))) == "INVALID_TOKEN"
        assert reason(await claimant.log_in(OTHER)) == "INVALID_CREDENTIALS"


@Sqlite
async def test_a_claim_becomes_proved_by_its_code_and_cannot_be_primary_before(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        her = house.caller()
        bearer = access(tokens(await her.register(ADA)))
        refused = await promote(her, bearer, ADA)
        assert refused.json()["details"] == [{"field": "email", "message": "is not proved yet"}]
        assert reason(await remove(her, bearer, ADA)) == "LAST_LOGIN_METHOD"
        assert reason(await add(house, her, bearer, ADA)) == "200"
        assert await hers(her, bearer) == {ADA: (True, True)}
        assert reason(await her.log_in(ADA, PASSWORD)) == "200"
        assert reason(await add(house, her, bearer, WORK)) == "200"


@Sqlite
async def test_a_mailbox_gets_no_more_codes_for_being_added_than_for_signing_in(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, pair = await house.owner(ADA)
        for _ in range(5):
            assert reason(await her.ask_code(WORK)) == "200"
            clock.advance(61)
        asked = await her.say("/me/addresses", {"email": WORK}, bearer=access(pair))
        assert reason(asked) == "RATE_LIMITED"


@Sqlite
async def test_what_is_no_address_is_named_and_changes_nothing(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        her, pair = await house.owner(ADA)
        bearer = access(pair)
        for answer in (
            await her.say("/me/addresses", {"email": "ada"}, bearer=bearer),
            await promote(her, bearer, "ada"),
            await remove(her, bearer, "%ff"),
        ):
            assert answer.json()["details"][0]["field"] == "email"
        assert await hers(her, bearer) == {ADA: (True, True)}
