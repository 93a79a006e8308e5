"""An operator sees what somebody has spent, and gives it back."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from callers import House, open_house, reason

from identra.cli import run

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence, Redis

ADA = "ada@example.com"
WRONG = "not the right password"
Capture = pytest.CaptureFixture[str]


async def _limits(house: House, capsys: Capture, *words: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    config = ("--json", "--config", str(house.settings))
    assert await asyncio.to_thread(run, ["limits", *words, *config]) == 0
    said = capsys.readouterr().out
    shown: list[dict[str, Any]] = json.loads(said[said.index("{") :])["limits"]
    return shown


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_wait_is_shown_and_given_back(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    """By address or by id; from the network that is named, and those that she is known from."""
    async with open_house(tmp_path, persistence) as house:
        owner, _ = await house.owner(ADA)
        for _ in range(6):
            last = await owner.log_in(ADA, WRONG)
        assert reason(last) == "RATE_LIMITED"
        shown = await _limits(house, capsys, "show", ADA)
        waits = [one for one in shown if one["state"]]
        assert [(one["limit"], one["network"]) for one in waits] == [("secret", owner.network)]
        assert 0 < waits[0]["seconds"] <= 60
        assert {one["network"] for one in shown} == {owner.network, "all"}
        t = house.app.database.tables
        (user,) = await house.app.database.fetch(t.users.select(t.users.id))
        assert {one["limit"] for one in await _limits(house, capsys, "show", user["id"])} == {
            one["limit"] for one in shown
        }
        assert await _limits(house, capsys, "release", ADA)
        assert await _limits(house, capsys, "show", ADA) == []
        assert reason(await owner.log_in(ADA, WRONG)) == "INVALID_CREDENTIALS"
        events = house.app.database.tables.events
        query = events.select(events.user_id, events.data).where(events.name == "limit.released")
        released = await house.app.database.fetch(query)
        assert {row["user_id"] for row in released} == {user["id"]}
        assert {json.loads(row["data"])["by"] for row in released} == {"operator"}


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_where_redis_counts_it_is_read_and_given_back_there(
    tmp_path: Path, persistence: Persistence, redis_place: Redis, capsys: Capture
) -> None:
    async with open_house(tmp_path, persistence, redis_place) as house:
        stranger = house.caller()
        for turn in range(11):
            last = await stranger.answer(f"somebody{turn}@example.com", "000000")
        assert reason(last) == "RATE_LIMITED"
        at = ("--peer", stranger.network)
        shown = {one["limit"]: one for one in await _limits(house, capsys, "show", *at)}
        assert shown["fail_peer"]["state"] == "spent"
        guessed, *_ = await _limits(house, capsys, "show", "email:somebody1@example.com", *at)
        assert (guessed["limit"], guessed["network"]) == ("guess_day", stranger.network)
        await _limits(house, capsys, "release", *at)
        assert reason(await stranger.answer(ADA, "000000")) == "INVALID_CODE"


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_what_any_provider_mailed_to_an_address_is_found_by_each_of_their_names(
    tmp_path: Path, persistence: Persistence, capsys: Capture
) -> None:
    async with open_house(tmp_path, persistence, sections={"providers.magic_link": {}}) as house:
        stranger = house.caller()
        await stranger.say("/magic_link/login", {"email": ADA, "code": "000000"})
        at = ("--peer", stranger.network)
        shown = await _limits(house, capsys, "show", ADA, *at)
        assert "guess_day" in {one["limit"] for one in shown}
        for name in ("magic_link", "email"):
            assert await _limits(house, capsys, "show", f"{name}:{ADA}", *at) == shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), (2, "name somebody, or --peer")),
        (("nobody",), (1, "no user has that id")),
        (
            ("sms:+491234567",),
            (1, "The request is not valid. (who: begins with none of email, password)"),
        ),
        (("--peer", "here"), (1, "The request is not valid. (peer: is no network address)")),
        (("not an address @",), (1, "not valid")),
        (("nobody@example.com",), (0, "name another with --peer")),
    ],
)
@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_nobody_is_named_rightly_or_told_why(
    tmp_path: Path,
    persistence: Persistence,
    capsys: Capture,
    words: tuple[str, ...],
    told: tuple[int, str],
) -> None:
    async with open_house(tmp_path, persistence) as house:
        said = ["limits", "show", *words, "--config", str(house.settings)]
        assert await asyncio.to_thread(run, said) == told[0]
        assert told[1] in capsys.readouterr().err
