"""Somebody wants an invitation to lead into an account that she can enter too: her own claim on the
address, a password planted before or after, or the account of whoever proved the address long ago.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from callers import IMMEDIATE, House, access, open_house, reason, tokens
from homes import PASSWORD, code_for, mails_to

from identra.errors import EmailTaken, IdentraError

if TYPE_CHECKING:
    from pathlib import Path

    from homes import Sections

    from identra.settings import Persistence

ADA = "ada@example.com"
EVIL = "the planter's password"
CLOSED: Sections = IMMEDIATE | {"auth": {"sign_up": "closed"}}
ROUNDS = 3


async def invite(house: House) -> str:
    return await house.app.office.invite(ADA, by="test")


async def everything(house: House) -> list[Any]:
    """Whoever is there, with what is hers."""
    return [await house.app.office.list(limit=10), *(await house.rows("credentials")).items()]


async def test_an_address_that_somebody_proved_is_not_invited_and_nothing_changes(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        her, pair = await house.owner(ADA)
        before, mails = await everything(house), mails_to(house.app, ADA)
        with pytest.raises(EmailTaken):
            await invite(house)
        assert await everything(house) == before
        assert mails_to(house.app, ADA) == mails
        assert reason(await her.info(access(pair))) == "200"


@pytest.mark.parametrize("who", ["a claimant", "an operator"])
async def test_where_somebody_planted_a_password_before_nobody_is_invited(
    tmp_path: Path, persistence: Persistence, who: str
) -> None:
    """Else she would be in the account to which its owner is on her way."""
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        if who == "a claimant":
            tokens(await house.caller().register(ADA, EVIL))
        else:
            await house.app.office.create(ADA, EVIL, proved=False, by="test")
        with pytest.raises(EmailTaken):
            await invite(house)
        assert mails_to(house.app, ADA) == []


async def test_nothing_is_planted_once_the_invitation_is_out(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Not by registering, not by a reset; and what the letter says opens nothing."""
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        user_id = await invite(house)
        eve = house.caller()
        assert reason(await eve.register(ADA, EVIL)) == "EMAIL_TAKEN"
        assert reason(await eve.say("/password/reset", {"email": ADA})) == "200"
        assert mails_to(house.app, ADA) == ["You are invited to Identra"]
        assert house.app.outbox
        (invitation,) = house.app.outbox.messages
        assert not [word for word in invitation.text.split() if any(map(str.isdigit, word))][3:]
        assert "://" not in invitation.text
        assert reason(await eve.log_in(ADA, EVIL)) == "INVALID_CREDENTIALS"
        her, pair = await house.owner(ADA)
        assert (await her.info(access(pair))).json()["user_id"] == user_id
        assert (await her.info(access(pair))).json()["password_enabled"] is False
        assert reason(await eve.log_in(ADA, EVIL)) == "INVALID_CREDENTIALS"


async def test_of_a_password_that_was_planted_by_force_nothing_is_left_once_its_owner_came(
    tmp_path: Path, persistence: Persistence
) -> None:
    """By whoever writes to the database, or by a release before this one."""
    async with open_house(tmp_path, persistence, sections=CLOSED) as house:
        user_id = await invite(house)
        db, users = house.app.database, house.app.users
        planted = await house.app.office._hash(EVIL, ADA)
        await db.transact(lambda: users.set_secret(user_id, "password", planted))
        eve = house.caller()
        pair = tokens(await eve.log_in(ADA, EVIL))
        with pytest.raises(EmailTaken):
            await invite(house)
        her, hers = await house.owner(ADA)
        assert (await her.info(access(hers))).json()["user_id"] == user_id
        assert reason(await eve.log_in(ADA, EVIL)) == "INVALID_CREDENTIALS"
        assert reason(await eve.info(access(pair))) == "INVALID_TOKEN"
        assert "Your Identra account is now yours alone" in mails_to(house.app, ADA)


async def test_an_invited_person_who_was_shut_out_comes_in_by_no_way(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=CLOSED) as house:
        await invite(house)
        assert await house.app.office.disable(ADA, "", by="test")
        her = house.caller()
        await her.ask_code(ADA)
        answer = await her.answer(ADA, code_for(house.app, ADA))
        assert reason(answer) == "SIGN_UP_CLOSED"
        with pytest.raises(EmailTaken):
            await invite(house)
        assert await house.rows("users", "sessions") == {"users": 1, "sessions": 0}


async def test_whoever_is_first_an_invitation_and_its_owner_make_one_account(
    tmp_path: Path, persistence: Persistence
) -> None:
    """She comes into the account of the invitation, or into one that is hers alone."""
    async with open_house(tmp_path, persistence) as house:
        office = house.app.office
        for number in range(ROUNDS):
            email = f"ada{number}@example.com"
            her = house.caller()
            await her.ask_code(email)
            answer, *invited = await asyncio.gather(
                her.answer(email, code_for(house.app, email)),
                *(office.invite(email, by="test") for _ in range(3)),
                return_exceptions=True,
            )
            assert not isinstance(answer, BaseException)
            user_id = (await her.info(access(tokens(answer)))).json()["user_id"]
            refused = [one for one in invited if isinstance(one, IdentraError)]
            assert all(isinstance(one, EmailTaken) for one in refused), refused
            assert {one for one in invited if isinstance(one, str)} <= {user_id}
            (found,) = (await office.list(limit=5, email=email)).users
            assert (found.user_id, len(found.proved)) == (user_id, 1)


async def test_shutting_out_beats_whoever_comes_in_at_the_same_time(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Proved by hand and shut out at once: no session lives, whoever was first."""
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        office = house.app.office
        for number in range(ROUNDS):
            email = f"ada{number}@example.com"
            tokens(await house.caller().register(email))
            await asyncio.gather(
                house.caller().log_in(email),
                office.prove(email, email, by="test", keep=True),
                office.disable(email, "", by="test"),
                house.caller().log_in(email, PASSWORD),
            )
            t = house.app.database.tables.sessions
            live = await house.app.database.fetch(t.select().where(t.revoked_at.is_null()))
            assert live == []
            assert reason(await house.caller().log_in(email)) == "USER_DISABLED"
