"""This release works on the tables of the next one, while a node of that one works beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from callers import access, open_house, reason, refresh, tokens
from homes import code_for
from nextrelease import AFTER_NEXT, NEXT, upgrade
from piccolo.querystring import QueryString

from identra.app import build
from identra.db import open_database
from identra.db.migrations import SchemaError
from identra.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from callers import Caller, House

    from identra.db import Database
    from identra.settings import Persistence


async def live(house: House, email: str) -> dict[str, Any]:
    """Everything of the API that writes: registering, codes, refreshing, revoking."""
    her = house.caller()
    assert (await her.register(email)).status_code == 202
    registered = tokens(await her.confirm(email, code_for(house.app, email)))
    assert tokens(await her.log_in(email))
    by_code = f"code-{email}"
    await her.ask_code(by_code)
    signed_in = tokens(await her.answer(by_code, code_for(house.app, by_code)))
    renewed = tokens(await her.refresh(refresh(signed_in)))
    assert (await her.info(access(renewed))).json()["email"] == by_code
    revoked = {"refresh_token": refresh(renewed)}
    assert (await her.say("/token/revoke", revoked)).status_code == 200
    assert reason(await her.refresh(refresh(renewed))) == "INVALID_REFRESH_TOKEN"
    info: dict[str, Any] = (await her.info(access(registered))).json()
    assert (await ready(house)) == (200, {"status": "ready"})
    return info


async def ready(house: House) -> tuple[int, dict[str, Any]]:
    answer = await house.http.get("/readyz")
    return answer.status_code, answer.json()


async def work_as_the_next(db: Database, user_id: str) -> None:
    """What a node of the next release does with what this one wrote."""
    asking = "SELECT tongue, about, motto FROM identra_users WHERE id = {}"
    row = await db.first(QueryString(asking, user_id))
    assert row == {"tongue": "it's", "about": "none", "motto": None}, "the defaults are its"
    hops = "SELECT MIN(hops) AS least, MAX(hops) AS most FROM identra_sessions WHERE user_id = {}"
    assert await db.first(QueryString(hops, user_id)) == {"least": 0, "most": 0}
    await db.change(
        QueryString("INSERT INTO identra_pets (id, user_id) VALUES ({}, {})", user_id, user_id)
    )
    told = "UPDATE identra_users SET motto = {}, about = 'hers' WHERE id = {}"
    assert await db.change(QueryString(told, user_id, user_id)) == 1


async def stays_as_the_next_left_it(db: Database, user_id: str) -> None:
    asking = (
        "SELECT motto, about, story FROM identra_users"
        " JOIN identra_pets ON user_id = identra_users.id WHERE user_id = {}"
    )
    row = await db.first(QueryString(asking, user_id))
    assert row == {"motto": user_id, "about": "hers", "story": "short"}


async def test_this_release_lives_through_the_rolling_out_of_the_next(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as old:
        ada = await live(old, "ada@example.com")
        assert await upgrade(persistence) == [NEXT[-1]]
        await live(old, "bob@example.com")
        async with open_house(tmp_path, persistence) as restarted:
            eve = await live(restarted, "eve@example.com")
            await _beside_the_next(persistence, restarted, ada["user_id"], eve["user_id"])
        await upgrade(persistence, AFTER_NEXT)
        assert (await ready(old))[0] == 503, "it can't work with these tables any more"
    with pytest.raises(SchemaError, match="start a newer one") as caught:
        await build(load(tmp_path / "identra.toml", {}))
    assert "\n" not in str(caught.value)


async def _beside_the_next(place: Persistence, house: House, filled: str, new: str) -> None:
    db = await open_database(place)
    motto = await db.first(QueryString("SELECT motto FROM identra_users WHERE id = {}", filled))
    assert motto == {"motto": filled}, "who was there before has what the step filled in"
    await work_as_the_next(db, new)
    her: Caller = house.caller()
    pair = tokens(await her.log_in("eve@example.com"))
    assert (await her.info(access(pair))).json()["user_id"] == new
    await stays_as_the_next_left_it(db, new)
    await db.close()
