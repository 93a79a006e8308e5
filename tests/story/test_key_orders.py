"""What an operator orders of the ring by the command line is done, or refused with advice."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from callers import IMMEDIATE, access, open_house, reason, refresh, tokens
from orders import Operator

from identra.values import SECOND

if TYPE_CHECKING:
    from pathlib import Path

    from callers import House

    from identra.settings import Persistence

ADA, EVE = "ada@example.com", "eve@example.com"
Capture = pytest.CaptureFixture[str]


async def age(house: House) -> None:
    """Have what waits be published ten minutes longer ago than it was."""
    t = house.app.database.tables.keys
    published = t.created_at - 606 * SECOND
    await house.app.database.change(t.update({t.created_at: published}).where(t.state == "passive"))


async def test_a_key_is_added_promoted_once_all_can_know_it_and_never_retired_too_early(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        operator = Operator(house.settings, capsys)
        owner, pair = await house.owner(ADA)
        first = await operator.kid(state="active", purpose="sig")
        assert "the active one; rotate first" in await operator.refused("retire", first)
        ((added),) = (await operator.order("add", "--algorithm", "EdDSA"))["done"]
        assert "waits already" in await operator.refused("add")
        assert "too lately" in await operator.refused("promote", added["kid"])
        assert f"key {first} is active" in await operator.refused("promote", first)
        await age(house)
        (promoted,) = (await operator.order("promote", added["kid"]))["done"]
        assert promoted["did"] == "promoted"
        await house.app.keys.load()
        assert house.app.keys.signer().algorithm == "EdDSA"
        assert "may live until" in await operator.refused("retire", first)
        assert reason(await owner.info(access(pair))) == "200"
        assert tokens(await owner.refresh(refresh(pair)))


async def test_a_waiting_key_can_be_withdrawn(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    async with open_house(tmp_path, persistence) as house:
        operator = Operator(house.settings, capsys)
        (added,) = (await operator.order("rotate", "--now", "--yes"))["done"]
        await operator.order("retire", added["kid"])
        assert "is retired already" in await operator.refused("retire", added["kid"])
        assert "is retired already" in await operator.refused("revoke", added["kid"], "--yes")
        assert await operator.keys(state="passive") == []


async def test_what_can_not_be_undone_is_asked_for(
    tmp_path: Path, persistence: Persistence, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(tmp_path, persistence) as house:
        operator = Operator(house.settings, capsys)
        kid = await operator.kid(state="active", purpose="sig")
        before = await operator.keys()
        monkeypatch.setattr("sys.stdin", StringIO("\n"))
        for words in (["rotate", "--now"], ["rotate", "--secret"], ["revoke", kid]):
            assert "--yes does it without asking" in await operator.refused(*words)
        assert await operator.keys() == before


async def test_a_key_that_is_not_in_the_ring_is_named(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    async with open_house(tmp_path, persistence) as house:
        operator = Operator(house.settings, capsys)
        for words in (["promote", "x"], ["retire", "x"], ["revoke", "x", "--yes"]):
            assert "the ring has no key x" in await operator.refused(*words)


async def test_a_revoked_key_is_worth_nothing_and_another_signs(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    """At once in the process that knows, within five seconds in every other."""
    async with open_house(tmp_path, persistence) as house:
        operator = Operator(house.settings, capsys)
        owner, pair = await house.owner(ADA)
        kid = await operator.kid(state="active", purpose="sig")
        done = (await operator.order("revoke", kid, "--yes"))["done"]
        assert [each["did"] for each in done] == ["revoked", "made"]
        await house.app.keys.load()
        assert reason(await owner.info(access(pair))) == "INVALID_TOKEN"
        jwks = (await owner.ask("/.well-known/jwks.json")).json()
        assert [key["kid"] for key in jwks["keys"]] == [done[1]["kid"]]
        pair = tokens(await owner.refresh(refresh(pair)))
        assert reason(await owner.info(access(pair))) == "200"
        (revoked,) = await operator.keys(kid=kid)
        assert revoked["state"] == "revoked"


async def test_a_waiting_key_that_all_can_know_takes_a_revoked_ones_place(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    async with open_house(tmp_path, persistence) as house:
        operator = Operator(house.settings, capsys)
        kid = await operator.kid(state="active", purpose="sig")
        (added,) = (await operator.order("add"))["done"]
        await age(house)
        done = (await operator.order("revoke", kid, "--yes"))["done"]
        assert [(each["did"], each["kid"]) for each in done] == [
            ("revoked", kid),
            ("promoted", added["kid"]),
        ]
        assert await operator.kid(state="active", purpose="sig") == added["kid"]


async def test_revoking_with_end_sessions_ends_those_that_the_key_last_signed_for(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    """Not those whose newest token another key has signed since, even where nothing advanced.

    Also of a key that is revoked already: who revoked it may have been stopped then and there.
    """
    long = {"auth": {"refresh_grace": "5m"}}
    async with open_house(tmp_path, persistence, sections=long) as house:
        operator = Operator(house.settings, capsys)
        first = await operator.kid(state="active", purpose="sig")
        ada, hers = await house.owner(ADA)
        eve, theirs = await house.owner(EVE)
        raced = tokens(await eve.refresh(refresh(theirs)))
        (added,) = (await operator.order("add"))["done"]
        await age(house)
        await operator.order("promote", added["kid"])
        await house.app.keys.load()
        assert refresh(tokens(await eve.refresh(refresh(theirs)))) == refresh(raced)
        assert "sessions_ended" not in await operator.order("revoke", first, "--yes")
        keys = await operator.keys()
        told = await operator.order("revoke", first, "--end-sessions", "--yes")
        assert told["sessions_ended"] == 1
        assert await operator.keys() == keys
        assert reason(await ada.refresh(refresh(hers))) == "INVALID_REFRESH_TOKEN"
        assert tokens(await eve.refresh(refresh(raced)))
        t = house.app.database.tables.events
        ended = t.select(t.data).where(t.name == "session.revoked")
        (row,) = await house.app.database.fetch(ended)
        assert json.loads(row["data"])["reason"] == "key_revoked"
