"""The attacker calls what costs no allowance of its own, as fast as she can, to have a process for
herself; and floods the memory of what counts her.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import grpc
import httpx
import pytest
from doors import Rpc
from homes import open_home
from running import door_of, rpc_of

from identra.errors import RateLimited
from identra.limits import Allowance, Calls
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.app import App
    from identra.settings import Persistence

FEW = Allowance("call_minute", 4, 60)
PROXIED = {"http": {"trusted_proxies": ["127.0.0.1/32"]}}
EVE, BOB = {"x-forwarded-for": "203.0.113.1"}, {"x-forwarded-for": "203.0.113.2"}


@asynccontextmanager
async def _few_calls(folder: Path, place: Persistence) -> AsyncIterator[App]:
    async with open_home(folder, place, sections=PROXIED) as app:
        yield replace(app, calls=Calls(FEW, clock=lambda: 30.0))


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_network_has_so_many_calls_and_others_have_theirs(
    tmp_path: Path, persistence: Persistence
) -> None:
    """One count for REST and gRPC; probes are answered whoever floods."""
    paths = ("/.well-known/jwks.json", "/oauth/providers", "/api/oauth/providers")
    async with (
        _few_calls(tmp_path, persistence) as app,
        door_of(app) as url,
        rpc_of(app) as place,
        httpx.AsyncClient(base_url=url) as http,
    ):
        for path in paths:
            assert (await http.get(path, headers=EVE)).status_code == 200
        with grpc.insecure_channel(place) as channel:
            rpc = Rpc(channel)
            assert (await asyncio.to_thread(rpc.ask, "GetJWKS", {}, EVE)).code == 0
            told = await asyncio.to_thread(rpc.ask, "ListOAuthProviders", {}, EVE)
        assert (told.reason, told.headers["ratelimit"]) == (
            "RATE_LIMITED",
            '"call_minute";r=0;t=30',
        )
        limited = await http.post("/me/login-info", headers=EVE)
        assert limited.status_code == 429
        assert limited.headers["retry-after"] == "30"
        assert limited.headers["ratelimit-policy"] == '"call_minute";q=4;w=60'
        assert (await http.get("/healthz", headers=EVE)).status_code == 200
        assert (await http.get("/readyz", headers=EVE)).status_code == 200
        assert (await http.get("/oauth/providers", headers=BOB)).status_code == 200


def test_no_flood_of_networks_frees_one_or_shuts_another_out() -> None:
    """Each is found by a hash under a key of the process: nobody is forgotten for lack of room."""
    some = Allowance("call_minute", 50, 60)
    calls = Calls(some, clock=lambda: 0.0)
    for _ in range(some.most):
        calls.take(Peer("203.0.113.1"))
    for number in range(20_000):
        calls.take(Peer(f"2001:db8:{number:x}::1"))
    with pytest.raises(RateLimited):
        calls.take(Peer("203.0.113.1"))


def test_a_window_ends_for_all_at_once() -> None:
    now = [59.0]
    calls = Calls(FEW, clock=lambda: now[0])
    for _ in range(FEW.most):
        calls.take(Peer("203.0.113.1"))
    with pytest.raises(RateLimited) as limited:
        calls.take(Peer("203.0.113.1"))
    assert limited.value.retry_after == 1
    now[0] = 60.0
    calls.take(Peer("203.0.113.1"))
    assert calls.taken(Peer("203.0.113.1")) == 1


def test_whoever_has_no_peer_is_not_counted() -> None:
    calls = Calls(FEW, clock=lambda: 0.0)
    for _ in range(2 * FEW.most):
        calls.take(Peer(None))
    assert calls.taken(Peer(None)) == 0
