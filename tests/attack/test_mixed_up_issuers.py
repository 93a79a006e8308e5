"""The attacker runs one of the places that people may sign in at, and has their client bring to it
what the honest one gave (RFC 9700, 4.4); or she has a name stand for another place than it did.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import doors
import grpc
import pytest
import running
from callers import House, access, open_house, reason, tokens
from clock import FrozenClock
from standin.openid import OpenId, world

from identra.grpc.identra.v1 import identra_pb2 as v1

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.settings import Persistence

pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


def _place(issuer: str) -> OpenId:
    return OpenId(issuer=issuer, now=lambda: FrozenClock()() // 1_000_000)


@pytest.fixture
def honest() -> OpenId:
    return _place("https://honest.example")


@pytest.fixture
def evil() -> OpenId:
    """It knows the same application under the same name."""
    return _place("https://evil.example")


@asynccontextmanager
async def _house(
    folder: Path, place: Persistence, honest: OpenId, evil: OpenId
) -> AsyncIterator[House]:
    common = {"plugin": "oidc", "email_trust": "claim"}
    sections = {
        "providers.honest": honest.section(issuer=honest.issuer, **common),
        "providers.evil": evil.section(issuer=evil.issuer, **common),
    }
    opened = open_house(
        folder, place, sections=sections, clock=FrozenClock(), transport=world(honest, evil)
    )
    async with opened as house:
        yield house


async def _leave(house: House, name: str) -> str:
    prompt = await house.caller().ask("/oauth/url", provider=name)
    url: str = prompt.json()["url"]
    return url


async def test_two_places_of_one_plugin_keep_their_people_apart(
    tmp_path: Path, persistence: Persistence, honest: OpenId, evil: OpenId
) -> None:
    """The same subject at two of them is two persons."""
    async with _house(tmp_path, persistence, honest, evil) as house:
        people = []
        for name, place in (("honest", honest), ("evil", evil), ("honest", honest)):
            back = place.approve(await _leave(house, name))
            answer = await house.caller().say("/oauth/login", back)
            info = (await house.caller().info(access(tokens(answer)))).json()
            assert info["oauth_connections"] == [{"provider": name, "provider_user_id": "u-7"}]
            people.append(info["user_id"])
        assert people[0] == people[2] != people[1]


async def test_a_code_of_one_place_opens_nothing_with_the_state_of_another(
    tmp_path: Path, persistence: Persistence, honest: OpenId, evil: OpenId
) -> None:
    async with _house(tmp_path, persistence, honest, evil) as house:
        ours = honest.approve(await _leave(house, "honest"))
        theirs = evil.approve(await _leave(house, "evil"))
        mixed = {"code": theirs["code"], "state": ours["state"]}
        answer = await house.caller().say("/oauth/login", mixed)
        assert reason(answer) == "PROVIDER_REFUSED"
        assert await house.rows("users") == {"users": 0}


async def test_an_answer_that_names_another_issuer_is_brought_nowhere(
    tmp_path: Path, persistence: Persistence, honest: OpenId, evil: OpenId
) -> None:
    """The victim began at the evil place, which sent her on to the honest one: its code must not
    reach the evil place's token endpoint.
    """
    wrong = (honest.issuer, "", f"{evil.issuer}/", "https://EVIL.example", "evil", "x" * 5000)
    async with _house(tmp_path, persistence, honest, evil) as house:
        for iss in wrong:
            back = evil.approve(await _leave(house, "evil")) | {"iss": iss}
            assert reason(await house.caller().say("/oauth/login", back)) == "INVALID_STATE", iss
            late = back | {"iss": evil.issuer}
            assert reason(await house.caller().say("/oauth/login", late)) == "INVALID_STATE"
        assert evil.count("/token") == honest.count("/token") == 0
        right = evil.approve(await _leave(house, "evil")) | {"iss": evil.issuer}
        tokens(await house.caller().say("/oauth/login", right))


async def _over_grpc(house: House, back: dict[str, str], pair: dict[str, Any]) -> doors.Told:
    """Log in by what came back, or bind it to whoever holds the pair."""
    name = "BindUserByOAuth" if pair else "LoginByOAuth"
    request = getattr(v1, f"{name}Request")(**back)
    metadata = [("authorization", f"Bearer {access(pair)}")] if pair else []
    async with running.rpc_of(house.app) as place, grpc.aio.insecure_channel(place) as channel:
        called = channel.unary_unary(
            f"/identra.v1.IdentraService/{name}",
            request_serializer=lambda said: said.SerializeToString(),
            response_deserializer=getattr(v1, f"{name}Response").FromString,
        )
        try:
            answer = await called(request, metadata=metadata, timeout=running.PATIENCE)
        except grpc.aio.AioRpcError as error:
            return doors.failure(error)
        return doors.Told(0, doors.as_json(answer))


@pytest.mark.parametrize("binds", [False, True], ids=["login", "bind"])
async def test_an_answer_that_names_another_issuer_is_brought_nowhere_by_any_door(
    tmp_path: Path, persistence: Persistence, honest: OpenId, evil: OpenId, binds: bool
) -> None:
    route = "/oauth/bind" if binds else "/oauth/login"
    async with _house(tmp_path, persistence, honest, evil) as house:
        her, pair = await house.owner("ada@example.com")
        pair = pair if binds else {}
        bearer = access(pair) if pair else None
        wrong = evil.approve(await _leave(house, "evil")) | {"iss": honest.issuer}
        assert reason(await her.say(route, wrong, bearer=bearer)) == "INVALID_STATE"
        wrong = evil.approve(await _leave(house, "evil")) | {"iss": honest.issuer}
        assert (await _over_grpc(house, wrong, pair)).reason == "INVALID_STATE"
        assert evil.count("/token") == honest.count("/token") == 0
        right = evil.approve(await _leave(house, "evil")) | {"iss": evil.issuer}
        assert (await _over_grpc(house, right, pair)).answer["token"]["access_token"]["token"]
        right = evil.approve(await _leave(house, "evil")) | {"iss": evil.issuer}
        tokens(await her.say(route, right, bearer=bearer))


async def test_a_place_that_names_its_issuer_always_does(
    tmp_path: Path, persistence: Persistence, honest: OpenId, evil: OpenId
) -> None:
    """Else whoever strips the name away is as well off as without it (RFC 9207, 2.4)."""
    honest.names_issuer = True
    async with _house(tmp_path, persistence, honest, evil) as house:
        back = honest.approve(await _leave(house, "honest"))
        assert back.pop("iss") == honest.issuer
        assert reason(await house.caller().say("/oauth/login", back)) == "INVALID_STATE"
        assert honest.count("/token") == 0


async def test_a_token_of_another_place_is_refused_though_its_keys_are_read(
    tmp_path: Path, persistence: Persistence, honest: OpenId, evil: OpenId
) -> None:
    """The evil place hands on what the honest one wrote, or writes in its name."""
    async with _house(tmp_path, persistence, honest, evil) as house:
        for claims in ({"iss": honest.issuer}, {"iss": [evil.issuer, honest.issuer]}):
            evil.claims = claims
            back = evil.approve(await _leave(house, "evil"))
            answer = await house.caller().say("/oauth/login", back)
            assert reason(answer) == "PROVIDER_REFUSED"
        assert await house.rows("users") == {"users": 0}
