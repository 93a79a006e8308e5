"""Attack: go on with the access token of a session that was ended, at any door of Identra."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from callers import ASKED, CLIENT, House, access, open_house, reason, refresh, section_of
from forging import opened
from standin.github import GitHub

from identra.http.routes import every_operation

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence

ADA, EVE = "ada@example.com", "eve@example.com"
BODIES = {
    "/oauth/bind": {"code": "c", "state": "s"},
    "/email/login": {"email": ADA, "code": "000000"},
    "/me/password": {"password": "another long password"},
    "/me/addresses": {"email": EVE},
    "/me/addresses/confirm": {"email": EVE, "code": "000000"},
    "/me/addresses/primary": {"email": ADA},
}
QUERIES = {"/oauth/url": {"provider": "github"}}


async def answers(house: House, bearer: str) -> dict[str, str]:
    """What each route that reads an access token says to this one."""
    said = {}
    for operation in every_operation(house.app.providers):
        if operation.bearer == "none":
            continue
        answer = await house.http.request(
            operation.method,
            re.sub(r"{\w+}", "x", operation.path),
            json=BODIES.get(operation.path, {}) if operation.method in {"POST", "PUT"} else None,
            params=QUERIES.get(operation.path),
            headers={
                "Authorization": f"Bearer {bearer}",
                "X-Forwarded-For": next(house.networks),
            },
        )
        said[f"{operation.method} {operation.path}"] = reason(answer)
    return said


@pytest.mark.parametrize("way", ["logout", "one", "others", "all", "revoke"])
async def test_an_ended_session_is_refused_everywhere_at_once(
    tmp_path: Path, persistence: Persistence, way: str
) -> None:
    sections = ASKED | {"providers.github": section_of(GitHub())}
    async with open_house(tmp_path, persistence, sections=sections) as house:
        her, stolen = await house.owner(ADA)
        _, own = await house.owner(ADA)
        token, caller = access(stolen), house.caller()
        assert (await caller.introspect(token, CLIENT)).json()["active"] is True
        if way == "logout":
            ended = await her.say("/logout", bearer=token)
        elif way == "one":
            ended = await her.end(f"/me/sessions/{opened(token)[1]['sid']}", bearer=access(own))
        elif way == "others":
            ended = await her.end("/me/sessions", bearer=access(own), keep="current")
        elif way == "all":
            ended = await her.end("/me/sessions", bearer=access(own))
        else:
            ended = await her.say("/token/revoke", {"refresh_token": refresh(stolen)})
        assert ended.json() == {}
        said = await answers(house, token)
        assert len(said) == 18
        assert set(said.values()) == {"INVALID_TOKEN"}, said
        assert (await caller.introspect(token, CLIENT)).json() == {"active": False}
        assert reason(await her.info(access(own))) == ("INVALID_TOKEN" if way == "all" else "200")


async def test_a_refresh_token_that_is_introspected_tells_and_changes_nothing(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Neither the current one nor a spent one, which elsewhere would be a theft."""
    async with open_house(tmp_path, persistence, sections=ASKED) as house:
        her, spent = await house.owner(ADA)
        current = (await her.refresh(refresh(spent))).json()["token"]
        db, t = house.app.database, house.app.database.tables
        before = await db.fetch(t.sessions.select()), await house.rows("events", "sessions")
        for pair in (spent, current):
            asked = await her.introspect(refresh(pair), CLIENT, token_type_hint="refresh_token")
            assert (asked.status_code, asked.json()) == (200, {"active": False})
        after = await db.fetch(t.sessions.select()), await house.rows("events", "sessions")
        assert before == after
        assert reason(await her.refresh(refresh(current))) == "200"
