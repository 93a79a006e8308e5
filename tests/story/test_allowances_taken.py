"""Each route and each gRPC method takes from just those allowances that the page says."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import handbook
import pytest
from callers import ASKED, CLIENT, House, open_house
from clerks import LET_IN
from doors import Rpc
from homes import PASSWORD
from running import rpc_of

from identra import limits
from identra.http.routes import every_operation
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.http.operation import Operation
    from identra.settings import Persistence

ADA = {"email": "ada@example.com"}
LOGIN = ADA | {"password": PASSWORD}
BACK = {"code": "c", "state": "s"}
CODE = {"code": "123456"}
SAID: dict[str, dict[str, Any]] = {
    "/password/register": LOGIN,
    "/password/register/confirm": LOGIN | CODE,
    "/password/login": LOGIN,
    "/password/reset": ADA,
    "/password/reset/confirm": LOGIN | CODE,
    "/me/password": {"password": PASSWORD, "current_password": "not hers"},
    "/me/addresses": ADA,
    "/me/addresses/confirm": ADA | CODE,
    "/me/addresses/primary": ADA,
    "/email/code": ADA,
    "/email/login": ADA | CODE,
    "/oauth/url": {"provider": "github"},
    "/oauth/login": BACK,
    "/oauth/bind": BACK,
    "/token/refresh": {"refresh_token": "x"},
    "/token/revoke": {"refresh_token": "x"},
}
ROWS = {
    handbook.coded(row[0])[0]: (handbook.coded(row[1]), set(handbook.coded(row[2])))
    for row in handbook.rows(handbook.read("docs/reference/limits.md"), "route")
}


@dataclass(frozen=True)
class Doors:
    house: House
    rpc: Rpc
    bearer: dict[str, str]

    async def taken(self, network: str) -> set[str]:
        """The allowances that have been counted since this was last asked."""
        app = self.house.app
        t = app.database.tables.state
        rows = await app.database.fetch(t.select(t.id).where(t.id.like("limit:%")))
        await app.database.change(t.delete().where(t.id.like("limit:%")))
        found = {_name(row["id"]) for row in rows}
        return found | ({"call_minute"} if app.calls.taken(Peer(network)) else set())

    async def by_rest(self, method: str, path: str) -> set[str]:
        network = next(self.house.networks)
        headers = self.bearer | {"X-Forwarded-For": network}
        said = {"params" if method == "GET" else "json": SAID.get(path)}
        options: dict[str, Any] = said if path in SAID else {}
        if path == "/introspect":
            auth = (CLIENT[0], "a wrong secret")
            options = {"data": {"token": "x"}, "auth": auth}
            headers.pop("Authorization")
        await self.house.http.request(method, path, headers=headers, **options)
        return await self.taken(network)

    async def by_grpc(self, method: str, path: str) -> set[str]:
        network = next(self.house.networks)
        headers = {name.lower(): value for name, value in self.bearer.items()}
        beside = headers | {"x-forwarded-for": network}
        said = SAID.get(path, {})
        await asyncio.to_thread(self.rpc.ask, method, said, beside)
        return await self.taken(network)


def _ends_a_session(one: Operation) -> bool:
    return one.method == "DELETE" or one.path == "/logout"


def _name(key: str) -> str:
    """The name of an allowance in its key."""
    name = key.split(":")[1]
    return limits.IN_A_ROW.name if key.endswith(":row") else name


@asynccontextmanager
async def _doors(folder: Path, place: Persistence) -> AsyncIterator[Doors]:
    async with (
        open_house(folder, place, sections=ASKED | LET_IN) as house,
        rpc_of(house.app) as rpc,
    ):
        _, pair = await house.owner("somebody@example.com")
        bearer = {"Authorization": f"Bearer {pair['access_token']['token']}"}
        with grpc.insecure_channel(rpc) as channel:
            doors = Doors(house, Rpc(channel), bearer)
            await doors.taken("192.0.2.1")
            yield doors


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_call_takes_what_its_row_says(tmp_path: Path, persistence: Persistence) -> None:
    """A heeded allowance that is not spent leaves no count: only a failure is one."""
    async with _doors(tmp_path, persistence) as doors:
        every = every_operation(doors.house.app.providers, introspects=True, operators=True)
        for one in sorted(every, key=_ends_a_session):
            name = "/admin" if one.clears else f"{one.method} {one.path}"
            methods, listed = ROWS[name]
            takes = listed - {limits.ENDED_ADMIN.name}  # no key came here that is over
            path = re.sub(r"{session_id}|{user_id}", "x", one.path)
            assert await doors.by_rest(one.method, path) == takes, name
            for method in methods:
                assert await doors.by_grpc(method, one.path) == takes, method
