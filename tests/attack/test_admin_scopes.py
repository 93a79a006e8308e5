"""Attack: do with an admin key what it was not made for, or make it reach further."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from callers import IMMEDIATE, access, open_house, reason, tokens
from clerks import LET_IN, clerk, keys_of

from identra.adminkeys import SCOPES
from identra.http import admin
from identra.http.routes import every_operation

if TYPE_CHECKING:
    from pathlib import Path

    from callers import House

    from identra.settings import Persistence

ADA = "ada@example.com"
ON = LET_IN | IMMEDIATE
KEPT = ("users", "emails", "identities", "credentials", "sessions", "departures", "keys")


async def _held(house: House) -> dict[str, Any]:
    """Everything that an operator could change, but for what is spent."""
    db = house.app.database
    held: dict[str, Any] = {
        name: await db.fetch(getattr(db.tables, name).select()) for name in KEPT
    }
    t = db.tables.admin_keys
    held["admin_keys"] = await db.fetch(t.select(t.id, t.name, t.scopes, t.revoked_at))
    return {name: sorted(map(str, rows)) for name, rows in held.items()}


async def test_every_scope_but_the_one_opens_nothing_and_is_on_record(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=ON) as house:
        pair = tokens(await house.caller().register(ADA))
        info = (await house.caller().info(access(pair))).json()
        user_id = info["user_id"]
        desks = {
            scope: await clerk(house, f"all-but-{number}", tuple(s for s in SCOPES if s != scope))
            for number, scope in enumerate(SCOPES)
        }
        before = await _held(house)
        for operation in admin.OPERATIONS:
            assert operation.clears
            scope = operation.clears.scope
            answer = await desks[scope].call(operation, user_id)
            assert reason(answer) == "INSUFFICIENT_SCOPE", operation.path
            assert scope in answer.json()["message"]
            assert ADA not in answer.text
        assert await _held(house) == before
        assert (await house.caller().info(access(pair))).json() == info
        t = house.app.database.tables.events
        rows = await house.app.database.fetch(t.select().where(t.name == "admin.called"))
        assert len(rows) == len(admin.OPERATIONS)
        assert all('"refused": "INSUFFICIENT_SCOPE"' in row["data"] for row in rows)
        about = [row["user_id"] for row in rows if row["user_id"]]
        assert about == [user_id] * sum("{user_id}" in one.path for one in admin.OPERATIONS)


async def test_no_route_makes_or_shows_a_key(tmp_path: Path, persistence: Persistence) -> None:
    """With every scope there is, each route is called; there is still the one key, as it was."""
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk = await clerk(house)
        (key,) = await keys_of(house).list()
        pair = tokens(await house.caller().register(ADA))
        user_id = (await house.caller().info(access(pair))).json()["user_id"]
        secret = desk.key.rpartition("_")[2]
        for operation in admin.OPERATIONS:
            assert secret not in (await desk.call(operation, user_id)).text
        for path in ("admin-keys", "admin_keys", "keys", f"admin-keys/{key.key_id}"):
            said = {"name": "more", "scopes": list(SCOPES)}
            assert await desk.say(f"/admin/{path}", said) in {"NOT_FOUND", "METHOD_NOT_ALLOWED"}
        (after,) = await keys_of(house).list()
        assert (after.key_id, after.scopes, after.expires_at) == (
            key.key_id,
            key.scopes,
            key.expires_at,
        )


async def test_an_admin_key_is_no_user_s_token(tmp_path: Path, persistence: Persistence) -> None:
    """At no route of a person's, in no place where her token goes."""
    async with open_house(tmp_path, persistence, sections=ON) as house:
        desk = await clerk(house)
        body = {"access_token": desk.key, "code": "c", "state": "s", "password": "a long password"}
        body |= {"email": ADA}
        for operation in every_operation(house.app.providers):
            if operation.bearer == "none":
                continue
            answer = await house.http.request(
                operation.method,
                re.sub(r"{\w+}", "x", operation.path),
                params={"provider": "github"} if operation.path == "/oauth/url" else None,
                json=body if operation.has_body else None,
                headers={
                    "Authorization": f"Bearer {desk.key}",
                    "X-Forwarded-For": next(house.networks),
                },
            )
            refused = {
                "INVALID_TOKEN",
                "INVALID_CODE",
                "PROVIDER_NOT_CONFIGURED",
                "UNKNOWN_PROVIDER",
            }
            assert reason(answer) in refused, operation.path
        assert reason(await house.caller().refresh(desk.key)) == "INVALID_REFRESH_TOKEN"
