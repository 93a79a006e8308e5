"""Logging in by a mailed code, on each database."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from homes import HERE, PASSWORD, code_for, mails_to, open_home

from identra.errors import InvalidCode, InvalidCredentials, InvalidToken, RateLimited
from identra.values import Peer, TokenPair

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.app import App
    from identra.settings import Persistence

ADA = "ada@example.com"
IMMEDIATE = {"password": {"registration": "immediate"}}


async def ask(app: App, email: str = ADA) -> str:
    await app.login.begin_code("email", email, HERE, use_html=False)
    return code_for(app, email)


async def answer(app: App, code: str, bearer: str | None = None) -> TokenPair:
    return await app.login.complete_code("email", ADA, code, HERE, bearer=bearer)


async def test_a_right_code_makes_a_user_and_proves_the_address(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        pair = await answer(app, await ask(app))
        info = await app.account.login_info(pair.access_token.token)
        assert (info.email, info.email_verified, info.password_enabled) == (ADA, True, False)
        assert info.connections == ()


async def test_a_code_works_once(tmp_path: Path, persistence: Persistence) -> None:
    async with open_home(tmp_path, persistence) as app:
        code = await ask(app)
        await answer(app, code)
        with pytest.raises(InvalidCode):
            await answer(app, code)


async def test_of_twenty_concurrent_right_answers_one_wins(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        code = await ask(app)
        tries = [answer(app, code) for _ in range(20)]
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(outcome, TokenPair) for outcome in outcomes) == 1
        assert all(isinstance(outcome, TokenPair | InvalidCode) for outcome in outcomes)
        assert len((await app.office.list(limit=10)).users) == 1


async def test_five_wrong_guesses_end_a_code_and_the_next_is_sent_at_once(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        code = await ask(app)
        wrong = "000000" if code != "000000" else "111111"
        for _ in range(5):
            with pytest.raises(InvalidCode):
                await answer(app, wrong)
        with pytest.raises(InvalidCode):
            await answer(app, code)
        fresh = await ask(app)
        assert len(mails_to(app, ADA)) == 2
        await answer(app, fresh)


async def test_a_live_code_younger_than_a_minute_is_neither_replaced_nor_sent_again(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        first = await ask(app)
        clock.advance(59)
        assert await ask(app) == first
        assert len(mails_to(app, ADA)) == 1
        clock.advance(2)
        await ask(app)
        assert len(mails_to(app, ADA)) == 2


async def test_only_the_newest_code_counts(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        first = await ask(app)
        clock.advance(61)
        second = await ask(app)
        if first != second:
            with pytest.raises(InvalidCode):
                await answer(app, first)
        await answer(app, second)


async def test_a_code_is_over_after_ten_minutes(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        code = await ask(app)
        clock.advance(601)
        with pytest.raises(InvalidCode):
            await answer(app, code)


async def test_a_code_counts_only_for_its_address(tmp_path: Path, persistence: Persistence) -> None:
    async with open_home(tmp_path, persistence) as app:
        code = await ask(app, "eve@example.com")
        with pytest.raises(InvalidCode):
            await answer(app, code)


async def test_the_owner_of_a_claimed_address_gets_the_account_without_its_old_keys(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Whoever registered another's address early keeps no way in once its owner comes."""
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        squatter = await app.registration.begin("password", ADA, PASSWORD, HERE)
        assert squatter is not None
        owner = await answer(app, await ask(app))
        info = await app.account.login_info(owner.access_token.token)
        assert (info.email_verified, info.password_enabled) == (True, False)
        with pytest.raises(InvalidToken):
            await app.account.login_info(squatter.access_token.token)
        with pytest.raises(InvalidCredentials):
            await app.login.by_secret("password", ADA, PASSWORD, HERE)
        assert len(mails_to(app, ADA)) == 2


async def test_a_claimant_who_proves_her_address_while_signed_in_keeps_everything(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence, sections=IMMEDIATE) as app:
        hers = await app.registration.begin("password", ADA, PASSWORD, HERE)
        assert hers is not None
        await answer(app, await ask(app), bearer=hers.access_token.token)
        info = await app.account.login_info(hers.access_token.token)
        assert (info.email_verified, info.password_enabled) == (True, True)


async def test_sending_is_limited_by_address_and_network(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Five an hour from one network; another network still has its own."""
    async with open_home(tmp_path, persistence, clock=clock) as app:
        for _ in range(5):
            await ask(app)
            clock.advance(61)
        with pytest.raises(RateLimited) as limited:
            await ask(app)
        assert limited.value.retry_after is not None
        assert 0 < limited.value.retry_after <= 3600
        elsewhere = Peer("198.51.100.7")
        await app.login.begin_code("email", ADA, elsewhere, use_html=False)
        clock.advance(3600)
        await ask(app)


async def test_guesses_are_limited_across_codes(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_home(tmp_path, persistence, clock=clock) as app:
        for _ in range(20):
            clock.advance(10)
            with pytest.raises(InvalidCode):
                await answer(app, "000000")
        clock.advance(60)
        code = await ask(app)
        with pytest.raises(RateLimited):
            await answer(app, code)
