"""Registering and logging in with a password, in both modes, on each database."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from homes import HERE, PASSWORD, code_for, mails_to, open_home

from identra.errors import (
    Busy,
    EmailTaken,
    InvalidArgument,
    InvalidCode,
    InvalidCredentials,
    SignUpClosed,
    UserDisabled,
)
from identra.values import TokenPair

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.app import App
    from identra.settings import Persistence

ADA = "ada@example.com"
IMMEDIATE = {"password": {"registration": "immediate"}}


async def register(app: App, email: str = ADA, password: str = PASSWORD) -> TokenPair:
    pair = await app.registration.begin("password", email, password, HERE)
    assert pair is not None
    return pair


async def test_immediate_registration_gives_a_session_and_proves_nothing(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        pair = await register(app)
        info = await app.account.login_info(pair.access_token.token)
        assert (info.email, info.email_verified, info.password_enabled) == (ADA, False, True)
        again = await app.login.by_secret("password", " ADA@example.com", PASSWORD, HERE)
        assert (await app.account.login_info(again.access_token.token)).user_id == info.user_id


async def test_immediate_registration_of_a_taken_address_is_refused(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        await register(app)
        with pytest.raises(EmailTaken):
            await register(app, password="another password")
        await app.login.by_secret("password", ADA, PASSWORD, HERE)


async def test_verified_registration_stores_nothing_until_the_code_comes_back(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        assert await app.registration.begin("password", ADA, PASSWORD, HERE) is None
        assert await app.users.find(ADA) is None
        pair = await app.registration.confirm("password", ADA, code_for(app, ADA), PASSWORD, HERE)
        info = await app.account.login_info(pair.access_token.token)
        assert (info.email_verified, info.password_enabled) == (True, True)
        await app.login.by_secret("password", ADA, PASSWORD, HERE)


async def test_the_password_of_the_confirming_call_is_the_one_that_counts(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        await app.registration.confirm("password", ADA, code_for(app, ADA), "chosen later", HERE)
        with pytest.raises(InvalidCredentials):
            await app.login.by_secret("password", ADA, PASSWORD, HERE)
        await app.login.by_secret("password", ADA, "chosen later", HERE)


async def test_an_owner_with_a_password_is_told_and_the_caller_is_not(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        await app.registration.confirm("password", ADA, code_for(app, ADA), PASSWORD, HERE)
        clock.advance(120)
        before = len(mails_to(app, ADA))
        assert await app.registration.begin("password", ADA, "taking it over", HERE) is None
        assert len(mails_to(app, ADA)) == before + 1
        assert app.outbox is not None
        told = app.outbox.messages[-1]
        assert told.letter == "already_registered"
        assert not re.search(r"\d{6}", f"{told.text}{told.html}"), "it holds no code"


async def test_a_first_password_of_an_account_that_was_there_is_told_to_its_owner(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Whoever reads her mail for a moment could set one and come back for years."""
    async with open_home(tmp_path, persistence) as app:
        await app.login.begin_code("email", ADA, HERE, use_html=False)
        await app.login.complete_code("email", ADA, code_for(app, ADA), HERE, bearer=None)
        for email in (ADA, "new@example.com"):
            await app.registration.begin("password", email, PASSWORD, HERE)
            code = code_for(app, email)
            await app.registration.confirm("password", email, code, PASSWORD, HERE)
        assert mails_to(app, ADA)[-1] == "Your Identra password was set"
        assert len(mails_to(app, "new@example.com")) == 1


async def test_a_bad_password_does_not_burn_the_code(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        code = code_for(app, ADA)
        for bad in ("short", "password1", ADA, "a" * 129, "aaaaaaaaaa"):
            with pytest.raises(InvalidArgument):
                await app.registration.confirm("password", ADA, code, bad, HERE)
        await app.registration.confirm("password", ADA, code, PASSWORD, HERE)


async def test_a_login_code_never_confirms_a_registration(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        await app.login.begin_code("email", ADA, HERE, use_html=False)
        with pytest.raises(InvalidCode):
            await app.registration.confirm("password", ADA, code_for(app, ADA), PASSWORD, HERE)


async def test_closed_sign_up_makes_no_user(tmp_path: Path, persistence: Persistence) -> None:
    closed = {"auth": {"sign_up": "closed"}}
    async with open_home(tmp_path, persistence, sections=closed) as app:
        await app.registration.begin("password", ADA, PASSWORD, HERE)
        with pytest.raises(SignUpClosed):
            await app.registration.confirm("password", ADA, code_for(app, ADA), PASSWORD, HERE)
        assert await app.users.find(ADA) is None


async def test_a_disabled_user_is_told_so_only_after_a_right_password(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        pair = await register(app)
        user_id = (await app.account.login_info(pair.access_token.token)).user_id
        async with app.database.transaction():
            await app.users.disable(user_id, "test")
        with pytest.raises(InvalidCredentials):
            await app.login.by_secret("password", ADA, "wrong", HERE)
        with pytest.raises(UserDisabled):
            await app.login.by_secret("password", ADA, PASSWORD, HERE)


async def test_a_hash_of_former_parameters_is_made_anew_at_login(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        pair = await register(app)
        user_id = (await app.account.login_info(pair.access_token.token)).user_id
        former = await app.users.hash_of(user_id, "password")
    stronger = {"password": {"registration": "immediate", "argon2_time": 3}}
    async with open_home(tmp_path, persistence, sections=stronger) as app:
        await app.login.by_secret("password", ADA, PASSWORD, HERE)
        hashed = await app.users.hash_of(user_id, "password")
        assert hashed != former
        assert hashed is not None
        assert "t=3" in hashed
        await app.login.by_secret("password", ADA, PASSWORD, HERE)


async def test_of_twenty_concurrent_registrations_one_makes_a_user(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        tries = [app.registration.begin("password", ADA, PASSWORD, HERE) for _ in range(20)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(outcome, TokenPair) for outcome in outcomes) == 1
        assert all(isinstance(outcome, TokenPair | EmailTaken | Busy) for outcome in outcomes)
        assert len((await app.office.list(limit=10)).users) == 1


async def test_a_login_under_way_while_another_makes_the_hash_anew_gets_in_too(
    tmp_path: Path, persistence: Persistence
) -> None:
    slow = {"password": {"registration": "immediate", "argon2_time": 60}}
    async with open_home(tmp_path, persistence, sections=slow) as app:
        await register(app)
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        first = asyncio.create_task(app.login.by_secret("password", ADA, PASSWORD, HERE))
        await asyncio.sleep(0.2)  # so that it is well ahead; the rule holds without it
        await asyncio.gather(first, app.login.by_secret("password", ADA, PASSWORD, HERE))


async def until_hashing(wanted: bool) -> None:
    def hashes() -> bool:
        return any(thread.name.startswith("identra-hash") for thread in threading.enumerate())

    while hashes() is not wanted:  # noqa: ASYNC110 - threads tell no event
        await asyncio.sleep(0.001)


async def test_a_password_changed_while_the_former_is_judged_opens_nothing(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    slow = {"password": {"registration": "immediate", "argon2_time": 60}}
    async with open_home(tmp_path, persistence, sections=slow, clock=clock) as app:
        pair = await register(app)
        user_id = (await app.account.login_info(pair.access_token.token)).user_id
    clock.advance(1)
    async with open_home(tmp_path, persistence, sections=slow, clock=clock) as app:
        await until_hashing(False)  # the house that was left is still putting its threads away
        judging = asyncio.create_task(app.login.by_secret("password", ADA, PASSWORD, HERE))
        await until_hashing(True)
        async with app.database.transaction():
            await app.users.set_secret(user_id, "password", "$argon2id$of-another")
        with pytest.raises(InvalidCredentials, match="meanwhile"):
            await judging


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_hash_that_can_not_be_made_anew_now_costs_nobody_the_login(
    tmp_path: Path, persistence: Persistence
) -> None:
    """The session is open by then; the store falls away just before the stronger hash is kept."""
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        await register(app)
    slow = {"password": {"registration": "immediate", "argon2_time": 60}}
    async with open_home(tmp_path, persistence, sections=slow) as app:
        login = asyncio.create_task(app.login.by_secret("password", ADA, PASSWORD, HERE))
        with closing(sqlite3.connect(persistence.name, isolation_level=None)) as other:
            sessions = "SELECT count(*) FROM identra_sessions"
            while other.execute(sessions).fetchone() != (2,):  # noqa: ASYNC110 - no event either
                await asyncio.sleep(0.001)
            other.execute("BEGIN IMMEDIATE")
            pair = await login
            other.execute("ROLLBACK")
        await app.account.login_info(pair.access_token.token)
