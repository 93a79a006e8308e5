"""A person sets her password, and a forgotten one anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from callers import IMMEDIATE, access, open_house, reason, refresh, tokens
from homes import PASSWORD, code_for, mails_to

from identra.app import opened_office
from identra.limits import RESTED, SECRET, shares_of
from identra.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from callers import Caller, House
    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
OTHER = "another horse battery staple"
TOLD = "Your Identra password was set"
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
CHALLENGE = (
    'Bearer error="insufficient_user_authentication",'
    ' error_description="Sign in again to do this.", max_age="600"'
)


async def change(her: Caller, bearer: str, password: str, current: str = "") -> httpx.Response:
    said = {"password": password} | ({"current_password": current} if current else {})
    return await her.say("/me/password", said, bearer=bearer)


async def ask_reset(her: Caller, email: str = ADA) -> None:
    answer = await her.say("/password/reset", {"email": email})
    assert (answer.status_code, answer.json()) == (200, {}), answer.text


async def confirm_reset(her: Caller, code: str, password: str = OTHER) -> httpx.Response:
    body = {"email": ADA, "code": code, "password": password}
    return await her.say("/password/reset/confirm", body)


async def registered(house: House) -> tuple[Caller, str]:
    """Ada with a proved address and a password, and a bearer of hers."""
    her = house.caller()
    await her.register(ADA)
    return her, access(tokens(await her.confirm(ADA, code_for(house.app, ADA))))


async def test_a_change_with_the_current_password_ends_all_other_sessions_and_is_told(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, old = await registered(house)
        clock.advance(601)
        pair = tokens(await her.log_in(ADA))
        clock.advance(601)
        pair = tokens(await her.refresh(refresh(pair)))
        answer = await change(her, access(pair), OTHER, current=PASSWORD)
        assert (answer.status_code, answer.json()) == (200, {})
        assert reason(await her.info(access(pair))) == "200"
        assert reason(await her.info(old)) == "INVALID_TOKEN"
        assert reason(await her.log_in(ADA)) == "INVALID_CREDENTIALS"
        assert reason(await her.log_in(ADA, OTHER)) == "200"
        assert mails_to(house.app, ADA)[-1] == TOLD


@Sqlite
async def test_a_first_password_takes_a_sign_in_of_the_last_ten_minutes(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        her, pair = await house.owner(ADA)
        clock.advance(601)
        pair = tokens(await her.refresh(refresh(pair)))
        refused = await change(her, access(pair), PASSWORD)
        assert reason(refused) == "REAUTHENTICATION_REQUIRED"
        assert refused.headers["www-authenticate"] == CHALLENGE
        assert reason(await her.log_in(ADA)) == "INVALID_CREDENTIALS"
        await her.ask_code(ADA)
        again = tokens(await her.answer(ADA, code_for(house.app, ADA)))
        clock.advance(600)
        assert reason(await change(her, access(again), PASSWORD)) == "200"
        assert reason(await her.log_in(ADA)) == "200"
        assert mails_to(house.app, ADA)[-1] == TOLD


@Sqlite
async def test_a_current_password_that_is_wrong_counts_as_a_failed_sign_in(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        her, bearer = await registered(house)
        for _ in range(SECRET.most):
            wrong = await change(her, bearer, OTHER, current="not it at all")
            assert reason(wrong) == "INVALID_CREDENTIALS"
        assert reason(await change(her, bearer, OTHER, current=PASSWORD)) == "RATE_LIMITED"
        assert reason(await her.log_in(ADA)) == "RATE_LIMITED"


@Sqlite
async def test_a_password_that_may_not_be_chosen_changes_nothing(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        her, bearer = await registered(house)
        for bad in ("short", ADA, PASSWORD):
            answer = await change(her, bearer, bad, current=PASSWORD)
            assert answer.json()["details"][0]["field"] == "password", bad
        assert reason(await her.say("/me/password", {"password": OTHER})) == "MISSING_TOKEN"
        await ask_reset(her)
        code = code_for(house.app, ADA)
        assert reason(await confirm_reset(her, code, "short")) == "INVALID_ARGUMENT"
        assert reason(await her.log_in(ADA)) == "200"
        assert reason(await confirm_reset(her, code)) == "200", "the code is not spent by that"


async def test_a_reset_sets_the_password_ends_every_session_and_opens_one(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        her, old = await registered(house)
        await ask_reset(her)
        code = code_for(house.app, ADA)
        pair = tokens(await confirm_reset(her, code))
        assert reason(await her.info(access(pair))) == "200"
        assert reason(await her.info(old)) == "INVALID_TOKEN"
        assert reason(await her.log_in(ADA)) == "INVALID_CREDENTIALS"
        assert reason(await her.log_in(ADA, OTHER)) == "200"
        assert reason(await confirm_reset(her, code)) == "INVALID_CODE", "once"
        assert mails_to(house.app, ADA)[-2:] == ["A new password for Identra", TOLD]
        (session,) = [s for s in await her.sessions(access(pair)) if s["current"]]
        assert (session["amr"], session["idp"]) == (["otp"], "password")


@Sqlite
async def test_an_owner_without_a_password_gets_her_first_by_a_reset(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        her, _ = await house.owner(ADA)
        await ask_reset(her)
        tokens(await confirm_reset(her, code_for(house.app, ADA)))
        assert reason(await her.log_in(ADA, OTHER)) == "200"


@Sqlite
async def test_a_mere_claim_and_a_stranger_are_mailed_nothing(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        her = house.caller()
        tokens(await her.register(ADA))
        for email in (ADA, "nobody@example.com"):
            await ask_reset(her, email)
            assert mails_to(house.app, email) == []


@Sqlite
async def test_a_disabled_owner_is_told_so_once_her_code_is_right(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        her, _ = await registered(house)
        async with opened_office(load(house.settings, {})) as office:
            await office.disable(ADA, "", by="test")
        await ask_reset(her)
        code = code_for(house.app, ADA)
        wrong = await confirm_reset(her, f"{(int(code) + 1) % 10**6:06}")
        assert reason(wrong) == "INVALID_CODE"
        assert reason(await confirm_reset(her, code)) == "USER_DISABLED"


@Sqlite
@pytest.mark.parametrize("by", ["reset", "change"])
async def test_where_another_password_is_required_the_one_she_has_opens_nothing(
    tmp_path: Path, persistence: Persistence, by: str
) -> None:
    async with open_house(tmp_path, persistence) as house:
        her, bearer = await registered(house)
        async with opened_office(load(house.settings, {})) as office:
            assert await office.require_password(ADA, by="test")
        assert reason(await her.log_in(ADA)) == "PASSWORD_CHANGE_REQUIRED"
        assert reason(await her.log_in(ADA, "wrong one entirely")) == "INVALID_CREDENTIALS"
        assert reason(await her.info(bearer)) == "200", "sessions go on"
        if by == "reset":
            await ask_reset(her)
            told = await confirm_reset(her, code_for(house.app, ADA), PASSWORD)
            assert reason(told) == "INVALID_ARGUMENT"
            await ask_reset(her)
            tokens(await confirm_reset(her, code_for(house.app, ADA)))
        else:
            assert reason(await change(her, bearer, PASSWORD)) == "INVALID_ARGUMENT"
            assert reason(await change(her, bearer, OTHER, current=PASSWORD)) == "200"
        assert reason(await her.log_in(ADA, OTHER)) == "200"


@Sqlite
async def test_a_reset_wakes_a_password_that_rests(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        her, _ = await registered(house)
        for share in shares_of(SECRET, f"password:{ADA}", her.network):
            await house.app.state.count(f"{share.key}:wait", ttl=1000, by=RESTED)
        assert reason(await her.log_in(ADA)) == "RATE_LIMITED"
        await ask_reset(her)
        tokens(await confirm_reset(her, code_for(house.app, ADA)))
        assert reason(await her.log_in(ADA, OTHER)) == "200"
