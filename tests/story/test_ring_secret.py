"""A new ring secret: nobody is signed out, nothing begun is lost, and the former proves its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from callers import open_house, reason, refresh, section_of, tokens
from homes import code_for, open_home
from standin.github import Email, GitHub, Person

from identra.app import keyring
from identra.keys.nouns import MARGIN
from identra.values import DAY, SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA, EVE = "ada@example.com", "eve@example.com"


async def test_a_session_goes_on_under_its_own_secret_until_its_end(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        shop = keyring.workshop(house.app.settings, house.app.database, clock)
        ada, hers = await house.owner(ADA)
        former = house.app.keys.current_secret().secret_id
        await shop.orders.renew_secret()
        await house.app.keys.load()
        eve, theirs = await house.owner(EVE)
        t = house.app.database.tables.sessions
        rows = await house.app.database.fetch(t.select(t.secret_id).order_by(t.created_at, t.id))
        assert [row["secret_id"] == former for row in rows] == [True, False]
        for _ in range(4):
            clock.advance(6 * DAY / SECOND)
            assert (await shop.rotation.rotate()).done == ()
            hers = tokens(await ada.refresh(refresh(hers)))
            theirs = tokens(await eve.refresh(refresh(theirs)))
        clock.advance(6 * DAY / SECOND)
        assert reason(await ada.refresh(refresh(hers))) == "INVALID_REFRESH_TOKEN"
        assert former in house.app.keys.ring.secrets
        clock.advance(MARGIN / SECOND)
        assert [each.kid for each in (await shop.rotation.rotate()).done] == [former]
        await house.app.keys.load()
        assert list(house.app.keys.ring.secrets) == [house.app.keys.current_secret().secret_id]


async def test_a_code_and_a_sign_in_that_were_begun_before_are_finished_after(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    github = GitHub()
    github.welcome(Person(7, "eve", (Email(EVE),)))
    sections = {"providers.github": section_of(github)}
    async with open_house(
        tmp_path, persistence, sections=sections, clock=clock, transport=github.transport()
    ) as house:
        shop = keyring.workshop(house.app.settings, house.app.database, clock)
        who = house.caller()
        await who.ask_code(ADA)
        begun = (await who.ask("/oauth/url", provider="github")).json()
        back = github.approve(begun["url"])
        await shop.orders.renew_secret()
        await house.app.keys.load()
        assert tokens(await who.answer(ADA, code_for(house.app, ADA)))
        assert tokens(await who.say("/oauth/login", back))


async def test_a_node_that_has_not_heard_of_the_new_secret_takes_its_tokens_all_the_same(
    tmp_path: Path, persistence: Persistence
) -> None:
    """It reads the ring again before it refuses: a refusal would sign an honest client out."""
    async with open_house(tmp_path, persistence) as house:
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "master.key").write_text((tmp_path / "master.key").read_text())
        (tmp_path / "other" / "master.key").chmod(0o600)
        async with open_home(tmp_path / "other", persistence) as late:
            shop = keyring.workshop(house.app.settings, house.app.database, lambda: 0)
            await shop.orders.renew_secret()
            kid = house.app.keys.signer().kid
            await shop.orders.revoke(kid)
            await house.app.keys.load()
            _, pair = await house.owner(ADA)
            assert late.keys.current_secret().secret_id != house.app.keys.current_secret().secret_id
            refreshed = await late.refresh.exchange(refresh(pair), idempotency_key=None)
            caller = await late.account.identify(refreshed.access_token.token)
            assert (await late.account.identify(pair["access_token"]["token"])) == caller


async def test_a_revoked_secret_ends_its_sessions(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, clock=clock) as house:
        shop = keyring.workshop(house.app.settings, house.app.database, clock)
        ada, hers = await house.owner(ADA)
        former = house.app.keys.current_secret().secret_id
        done = await shop.orders.revoke(former)
        assert [each.purpose for each in done] == ["mac", "mac"]
        assert await shop.sessions.revoke_under(former, "key_revoked") == 1
        await house.app.keys.load()
        assert reason(await ada.refresh(refresh(hers))) == "INVALID_REFRESH_TOKEN"
        assert reason(await ada.info(hers["access_token"]["token"])) == "INVALID_TOKEN"
