"""A service asks what an access token is worth now, and finds its way by the metadata."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import pytest
import spoken
from callers import ASKED, CLIENT, IMMEDIATE, access, open_house, reason, refresh, tokens
from forging import opened

from identra.secret import fingerprint
from identra.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.settings import Persistence

ADA = "ada@example.com"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
INACTIVE = (200, {"active": False})
METADATA = "/.well-known/oauth-authorization-server"
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


def told(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


async def test_an_access_token_is_active_until_its_end(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    async with open_house(tmp_path, persistence, sections=ASKED, clock=clock) as house:
        her, pair = await house.owner(ADA)
        answer = await house.caller().introspect(access(pair), CLIENT)
        claims = opened(access(pair))[1]
        named = ("iss", "sub", "exp", "iat", "nbf", "jti", "sid", "auth_time", "amr", "idp")
        assert answer.json() == {"active": True, "token_type": "Bearer"} | {
            name: claims[name] for name in named
        }
        assert answer.headers["cache-control"] == "no-store"
        clock.advance(15 * 60 - 1)
        assert (await her.introspect(access(pair), CLIENT)).json()["active"] is True
        clock.advance(1)
        assert told(await her.introspect(access(pair), CLIENT)) == INACTIVE


async def test_it_is_inactive_from_the_end_of_its_session_and_of_its_user(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=ASKED) as house:
        her, pair = await house.owner(ADA)
        await her.say("/logout", bearer=access(pair))
        assert told(await her.introspect(access(pair), CLIENT)) == INACTIVE
        _, pair = await house.owner("eve@example.com")
        user_id = opened(access(pair))[1]["sub"]
        assert (await her.introspect(access(pair), CLIENT)).json()["active"] is True
        # The user's row alone, as an operator's own SQL would shut her out.
        t = house.app.database.tables.users
        await house.app.database.change(t.update({t.disabled_at: 1}).where(t.id == user_id))
        assert told(await her.introspect(access(pair), CLIENT)) == INACTIVE
        for path in ("/me", "/me/sessions"):
            assert reason(await her.ask(path, bearer=access(pair))) == "INVALID_TOKEN"


@Sqlite
async def test_whatever_else_is_inactive_without_a_reason(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=ASKED) as house:
        _, pair = await house.owner(ADA)
        token, caller = access(pair), house.caller()
        for other in (
            refresh(pair),
            "",
            "x",
            "a.b.c",
            token[:-4],
            f" {token}",
            "é" * 9,
            "a" * 9000,
        ):
            for hint in ("refresh_token", "access_token", "else"):
                asked = await caller.introspect(other, CLIENT, token_type_hint=hint)
                assert told(asked) == INACTIVE, other
        hinted = await caller.introspect(token, CLIENT, token_type_hint="refresh_token")
        assert hinted.json()["active"] is True


@Sqlite
async def test_the_audience_is_told_where_tokens_have_one(
    tmp_path: Path, persistence: Persistence
) -> None:
    sections = ASKED | {"auth": {"token_audience": "shop"}}
    async with open_house(tmp_path, persistence, sections=sections) as house:
        her, pair = await house.owner(ADA)
        assert (await her.introspect(access(pair), CLIENT)).json()["aud"] == "shop"


@Sqlite
async def test_every_answer_is_as_documented(tmp_path: Path, persistence: Persistence) -> None:
    async with open_house(tmp_path, persistence, sections=ASKED) as house:
        _, pair = await house.owner(ADA)
        said = (await house.http.get("/openapi.json")).json()
        for prefix in ("", "/api"):
            url = f"{house.http.base_url}{prefix}"
            async with spoken.async_client(url, said, auth=CLIENT) as http:
                for token in (access(pair), refresh(pair)):
                    answer = await http.post("/introspect", data={"token": token})
                    assert answer.status_code == 200
                nobody = await http.post("/introspect", data={"token": "x"}, auth=("orders", "x"))
                assert told(nobody)[0] == 401
                assert nobody.json()["reason"] == "INVALID_CREDENTIALS"
                assert nobody.headers["www-authenticate"] == 'Basic realm="introspection"'
                json = await http.post("/introspect", json={"token": "x"})
                assert (json.status_code, json.json()["reason"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
                missing = await http.post("/introspect", data={"tokens": "x"})
                assert missing.json()["details"] == [{"field": "token", "message": "is required"}]
                for twice in (
                    "token=a&token=a",
                    "token=a&x=1&x=2",
                    "token=a&token_type_hint=&token_type_hint=",
                ):
                    answer = await http.post("/introspect", content=twice, headers=FORM)
                    assert answer.json()["details"][0]["message"] == "is given twice"
                for unreadable in (b"token=\xff", b"token=%ff", b"token=%00", b"&a" * 70):
                    answer = await http.post("/introspect", content=unreadable, headers=FORM)
                    assert answer.json()["reason"] == "INVALID_ARGUMENT", unreadable
                assert (await http.get("/introspect")).json()["reason"] == "METHOD_NOT_ALLOWED"


@Sqlite
async def test_id_and_secret_are_form_encoded_within_basic(
    tmp_path: Path, persistence: Persistence
) -> None:
    """RFC 6749, 2.3.1: what needs encoding is encoded first, and what need not be may be."""
    odd = "50% of a+b c:d/é"
    clients = [{"id": "odd", "secret_sha256": fingerprint(odd).upper()}]
    sections = {"introspection": {"clients": clients}}
    async with open_house(tmp_path, persistence, sections=sections) as house:
        for login, right in (
            (f"odd:{quote_plus(odd)}", True),
            (f"%6fdd:{quote_plus(odd)}", True),
            (f"odd:{odd}", False),
            (quote_plus(f"odd:{odd}"), False),
            (f"ODD:{quote_plus(odd)}", False),
            (f"odd:{quote_plus(odd)} ", False),
        ):
            header = {"Authorization": f"Basic {b64encode(login.encode()).decode()}"}
            headers = header | {"X-Forwarded-For": next(house.networks)}
            answer = await house.http.post("/introspect", data={"token": "x"}, headers=headers)
            assert (answer.status_code == 200) is right, login


@Sqlite
async def test_without_clients_there_is_no_such_route(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        answer = await house.caller().introspect("x", CLIENT)
        assert (answer.status_code, reason(answer)) == (404, "NOT_FOUND")
        said = (await house.http.get("/openapi.json")).json()
        assert "/introspect" not in said["paths"]
        assert not [name for name in (await house.http.get(METADATA)).json() if "introsp" in name]


@Sqlite
async def test_a_verifier_finds_its_way_by_the_metadata(
    tmp_path: Path, persistence: Persistence
) -> None:
    url = "https://id.example.com"
    sections = ASKED | IMMEDIATE | {"": {"public_url": url}, "auth": {"token_issuer": url}}
    async with open_house(tmp_path, persistence, sections=sections) as house:
        said = (await house.http.get("/openapi.json")).json()
        async with spoken.async_client(str(house.http.base_url), said) as http:
            first = await http.get(METADATA)
            assert first.json() == {
                "issuer": url,
                "jwks_uri": f"{url}/.well-known/jwks.json",
                "response_types_supported": [],
                "grant_types_supported": [],
                "introspection_endpoint": f"{url}/introspect",
                "introspection_endpoint_auth_methods_supported": ["client_secret_basic"],
                "access_token_signing_alg_values_supported": ["ES256"],
            }
            pair = tokens(await house.caller().register(ADA))
            header, claims = opened(access(pair))
            assert claims["iss"] == first.json()["issuer"]
            assert header["alg"] in first.json()["access_token_signing_alg_values_supported"]
            assert first.headers["cache-control"] == "public, max-age=300"
            kept = {"If-None-Match": first.headers["etag"]}
            again = await http.get(METADATA, headers=kept)
            assert (again.status_code, again.content) == (304, b"")
            assert (await http.get(METADATA, headers={"If-None-Match": '"x"'})).status_code == 200


def test_a_client_that_is_shown_loads_again(tmp_path: Path) -> None:
    file = tmp_path / "identra.toml"
    digest = fingerprint(CLIENT[1])
    table = f'[[introspection.clients]]\nid = "a"\nsecret_sha256 = "{digest.upper()}"\n'
    file.write_text(table)
    (client,) = load(file, {}).tree.introspection.clients
    assert (client.id, client.secret_sha256) == ("a", digest)
