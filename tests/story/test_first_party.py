"""Each place beyond GitHub, answering as its public documentation says, lets its person in.

Sources, by place: "OpenID Connect on the Microsoft identity platform" and "ID token claims
reference"; Google's "OpenID Connect API reference"; "GitLab as OpenID Connect identity provider";
Apple's "Generate and validate tokens" and "Receiving a user's identity token"; Slack's
"openid.connect.token"; Discord's "OAuth2" and "User resource"; Bitbucket's "Users" of its REST
API; "Sign In with LinkedIn using OpenID Connect"; Facebook's "Manually build a login flow" and the
Graph API's "User"; X's "OAuth 2.0 authorization code flow with PKCE" and "Get authenticated user".
"""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx
import pytest
from callers import House, access, open_house, reason, tokens
from clock import NOON, FrozenClock
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT
from standin.openid import new_key, signed

from identra.loader import PluginError, load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from identra.settings import Persistence

NOW = NOON // 1_000_000
ADA = "ada@example.com"
CALLBACK = "https://app.example.com/callback"
COMMON = {
    "client_id": "app-1",
    "client_secret": "9f2c4e6a8b0d1f3e5c7a9b2d4f6e8a0c",
    "redirect_url": CALLBACK,
}
TENANT = "aaaabbbb-0000-cccc-1111-dddd2222eeee"
OTHER = "72f988bf-86f1-41af-91ab-2d7cd011db47"
MICROSOFT = "https://login.microsoftonline.com"
PEM = JWK.generate(kty="EC", crv="P-256")
BASIC = base64.b64encode(b"app-1:9f2c4e6a8b0d1f3e5c7a9b2d4f6e8a0c").decode()
KEY = new_key()


@dataclass
class Place:
    """What one documentation says: addresses and answers; and what is made of them here."""

    name: str
    authorize: str
    token: str
    subject: str
    section: dict[str, Any] = field(default_factory=dict)
    discovery: dict[str, Any] = field(default_factory=dict)
    found_at: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    key_members: dict[str, Any] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    basic: bool = False
    username: str = "ada"
    avatar_url: str = ""
    email: str = ""

    def answer(self, request: httpx.Request, nonce: str) -> httpx.Response:
        url = str(request.url.copy_with(query=None))
        if request.method == "POST" and url == self.token:
            return self._token(request, nonce)
        if url == self.found_at:
            return httpx.Response(200, json=self.discovery)
        if self.discovery and url == self.discovery["jwks_uri"]:
            public = KEY.export_public(as_dict=True) | self.key_members
            return httpx.Response(200, json={"keys": [public]})
        assert request.headers["authorization"] == "Bearer access-1", url
        return httpx.Response(200, json=self.answers[url])

    def _token(self, request: httpx.Request, nonce: str) -> httpx.Response:
        form = {name: said[0] for name, said in parse_qs(request.content.decode()).items()}
        assert (form["code"], form["redirect_uri"]) == ("code-1", CALLBACK)
        assert "code_verifier" in form
        if self.basic:
            assert request.headers["authorization"] == f"Basic {BASIC}"
        else:
            assert form["client_id"] == "app-1"
            demand_secret(self, form["client_secret"])
        told: dict[str, Any] = {"access_token": "access-1", "token_type": "Bearer"}
        if self.claims:
            times = {"aud": "app-1", "iat": NOW, "exp": NOW + 3600, "nonce": nonce}
            told["id_token"] = signed(KEY, times | self.claims)
        return httpx.Response(200, json=told)


def demand_secret(place: Place, secret: str) -> None:
    """The client's secret, or the one that Apple wants minted."""
    if place.name != "apple":
        assert secret == COMMON["client_secret"]
        return
    read = JWT(jwt=secret, key=JWK.from_pem(PEM.export_to_pem()), check_claims={}, algs=["ES256"])
    assert read.token.jose_header["kid"] == "ABC123DEFG"
    said = json.loads(read.claims)
    assert said == {
        "iss": "9ABCDE1234",
        "iat": NOW,
        "exp": NOW + 300,
        "aud": "https://appleid.apple.com",
        "sub": "app-1",
    }


def discovered(issuer: str, authorize: str, token: str, jwks: str, **more: Any) -> dict[str, Any]:
    return {
        "issuer": issuer,
        "authorization_endpoint": authorize,
        "token_endpoint": token,
        "jwks_uri": jwks,
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        **more,
    }


def microsoft(name: str, tenant: str, said: str, **section: Any) -> Place:
    base = f"{MICROSOFT}/{tenant}"
    return Place(
        name,
        f"{base}/oauth2/v2.0/authorize",
        f"{base}/oauth2/v2.0/token",
        subject="AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
        section={"plugin": "microsoft", "tenant": tenant} | section,
        discovery=discovered(
            f"{MICROSOFT}/{said}/v2.0",
            f"{base}/oauth2/v2.0/authorize",
            f"{base}/oauth2/v2.0/token",
            f"{base}/discovery/v2.0/keys",
            userinfo_endpoint="https://graph.microsoft.com/oidc/userinfo",
        ),
        found_at=f"{base}/v2.0/.well-known/openid-configuration",
        key_members={"issuer": f"{MICROSOFT}/{said}/v2.0"},
        claims={
            "iss": f"{MICROSOFT}/{TENANT}/v2.0",
            "tid": TENANT,
            "sub": "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
            "oid": "00000000-0000-0000-66f3-3332eca7ea81",
            "ver": "2.0",
            "preferred_username": "ada@contoso.example",
            "email": ADA,
            "email_verified": True,
        },
        username="ada@contoso.example",
    )


def gitlab(name: str, base: str, **section: Any) -> Place:
    return Place(
        name,
        f"{base}/oauth/authorize",
        f"{base}/oauth/token",
        subject="7",
        section=section,
        discovery=discovered(
            base,
            f"{base}/oauth/authorize",
            f"{base}/oauth/token",
            f"{base}/oauth/discovery/keys",
            userinfo_endpoint=f"{base}/oauth/userinfo",
        ),
        found_at=f"{base}/.well-known/openid-configuration",
        claims={"iss": base, "sub": "7", "sub_legacy": "0a1b", "auth_time": NOW},
        answers={
            f"{base}/oauth/userinfo": {
                "sub": "7",
                "name": "Ada Lovelace",
                "nickname": "ada",
                "email": ADA,
                "email_verified": True,
                "picture": f"{base}/uploads/7.png",
            }
        },
        avatar_url=f"{base}/uploads/7.png",
        email=ADA,
    )


PLACES = [
    Place(
        "google",
        "https://accounts.google.com/o/oauth2/v2/auth",
        "https://oauth2.googleapis.com/token",
        subject="10769150350006150715113082367",
        discovery=discovered(
            "https://accounts.google.com",
            "https://accounts.google.com/o/oauth2/v2/auth",
            "https://oauth2.googleapis.com/token",
            "https://www.googleapis.com/oauth2/v3/certs",
            userinfo_endpoint="https://openidconnect.googleapis.com/v1/userinfo",
        ),
        found_at="https://accounts.google.com/.well-known/openid-configuration",
        claims={
            "iss": "https://accounts.google.com",
            "azp": "app-1",
            "sub": "10769150350006150715113082367",
            "hd": "example.com",
            "email": ADA,
            "email_verified": True,
            "name": "ada",
            "picture": "https://lh3.googleusercontent.com/a/7",
        },
        avatar_url="https://lh3.googleusercontent.com/a/7",
        email=ADA,
    ),
    microsoft("microsoft", TENANT, TENANT),
    gitlab("gitlab", "https://gitlab.com"),
    gitlab(
        "work",
        "https://gitlab.example.com",
        plugin="gitlab",
        base_url="https://gitlab.example.com/",
    ),
    Place(
        "apple",
        "https://appleid.apple.com/auth/authorize",
        "https://appleid.apple.com/auth/token",
        subject="001473.fe6f33bf4b8e4590aacbabdcb8598bd0.2039",
        section={
            "client_secret": "",
            "team_id": "9ABCDE1234",
            "key_id": "ABC123DEFG",
            "private_key": PEM.export_to_pem(private_key=True, password=None).decode(),
        },
        discovery=discovered(
            "https://appleid.apple.com",
            "https://appleid.apple.com/auth/authorize",
            "https://appleid.apple.com/auth/token",
            "https://appleid.apple.com/auth/keys",
            token_endpoint_auth_methods_supported=["client_secret_post"],
            scopes_supported=["openid", "email", "name"],
        ),
        found_at="https://appleid.apple.com/.well-known/openid-configuration",
        claims={
            "iss": "https://appleid.apple.com",
            "sub": "001473.fe6f33bf4b8e4590aacbabdcb8598bd0.2039",
            "email": ADA,
            "email_verified": "true",
            "is_private_email": "false",
            "nonce_supported": True,
        },
        asked={"response_mode": "form_post", "scope": "openid email name"},
        username="",
        email=ADA,
    ),
    Place(
        "slack",
        "https://slack.com/openid/connect/authorize",
        "https://slack.com/api/openid.connect.token",
        subject="U0R7MFMJM",
        discovery=discovered(
            "https://slack.com",
            "https://slack.com/openid/connect/authorize",
            "https://slack.com/api/openid.connect.token",
            "https://slack.com/openid/connect/keys",
            userinfo_endpoint="https://slack.com/api/openid.connect.userInfo",
        ),
        found_at="https://slack.com/.well-known/openid-configuration",
        claims={
            "iss": "https://slack.com",
            "sub": "U0R7MFMJM",
            "auth_time": NOW,
            "https://slack.com/team_id": "T0RR",
            "https://slack.com/user_id": "U0JM",
            "email": ADA,
            "email_verified": True,
            "name": "ada",
        },
    ),
    Place(
        "discord",
        "https://discord.com/oauth2/authorize",
        "https://discord.com/api/oauth2/token",
        subject="80351110224678912",
        answers={
            "https://discord.com/api/v10/users/@me": {
                "id": "80351110224678912",
                "username": "ada",
                "discriminator": "0",
                "global_name": "Ada",
                "avatar": "8342729096ea3675442027381ff50dfe",
                "verified": True,
                "email": ADA,
            }
        },
        asked={"scope": "identify email"},
        avatar_url="https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png",
        email=ADA,
    ),
    Place(
        "bitbucket",
        "https://bitbucket.org/site/oauth2/authorize",
        "https://bitbucket.org/site/oauth2/access_token",
        subject="{3a6b1f0e-0f5c-4d0a-9d0e-6f4c1f1f7a11}",
        answers={
            "https://api.bitbucket.org/2.0/user": {
                "type": "user",
                "uuid": "{3a6b1f0e-0f5c-4d0a-9d0e-6f4c1f1f7a11}",
                "display_name": "ada",
                "links": {"avatar": {"href": "https://bitbucket.org/account/ada/avatar/"}},
            },
            "https://api.bitbucket.org/2.0/user/emails": {
                "values": [
                    {"email": "old@example.com", "is_primary": False, "is_confirmed": True},
                    {"email": ADA, "is_primary": True, "is_confirmed": True},
                ]
            },
        },
        basic=True,
        avatar_url="https://bitbucket.org/account/ada/avatar/",
        email=ADA,
    ),
    Place(
        "linkedin",
        "https://www.linkedin.com/oauth/v2/authorization",
        "https://www.linkedin.com/oauth/v2/accessToken",
        subject="782bbtaQ",
        answers={
            "https://api.linkedin.com/v2/userinfo": {
                "sub": "782bbtaQ",
                "name": "ada",
                "picture": "https://media.licdn.com/7",
                "locale": "en-US",
                "email": ADA,
                "email_verified": True,
            }
        },
        avatar_url="https://media.licdn.com/7",
        email=ADA,
    ),
    Place(
        "facebook",
        "https://www.facebook.com/v23.0/dialog/oauth",
        "https://graph.facebook.com/v23.0/oauth/access_token",
        subject="10150000000000007",
        answers={
            "https://graph.facebook.com/v23.0/me": {
                "id": "10150000000000007",
                "name": "ada",
                "picture": {"data": {"url": "https://platform-lookaside.fbsbx.com/7"}},
            }
        },
        avatar_url="https://platform-lookaside.fbsbx.com/7",
    ),
    Place(
        "twitter",
        "https://x.com/i/oauth2/authorize",
        "https://api.x.com/2/oauth2/token",
        subject="2244994945",
        answers={
            "https://api.x.com/2/users/me": {
                "data": {
                    "id": "2244994945",
                    "name": "Ada",
                    "username": "ada",
                    "profile_image_url": "https://pbs.twimg.com/7.jpg",
                }
            }
        },
        basic=True,
        avatar_url="https://pbs.twimg.com/7.jpg",
    ),
]


def many(**more: Any) -> Place:
    """Microsoft for the accounts of every directory, or of those that are listed."""
    return microsoft("many", "organizations", "{tenantid}", **{"tenants": [TENANT]} | more)


pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


@dataclass
class World:
    """The house, and the one place that answers at the moment: none is asked at another's."""

    house: House
    place: Place | None = None
    nonce: str = ""

    async def sign_in(self, place: Place) -> httpx.Response:
        self.place, self.nonce = place, ""
        prompt = await self.house.caller().ask("/oauth/url", provider=place.name)
        assert prompt.status_code == 200, prompt.text
        start, _, query = prompt.json()["url"].partition("?")
        said = {name: values[0] for name, values in parse_qs(query).items()}
        assert start == place.authorize
        assert place.asked.items() <= said.items()
        assert said["code_challenge_method"] == "S256"
        self.nonce = said.get("nonce", "")
        back = {"code": "code-1", "state": said["state"]}
        return await self.house.caller().say("/oauth/login", back)


@asynccontextmanager
async def world_of(folder: Path, persistence: Persistence, *places: Place) -> AsyncIterator[World]:
    """A house with all these places on at once."""

    async def far(request: httpx.Request) -> httpx.Response:
        assert world.place
        return world.place.answer(request, world.nonce)

    sections = {f"providers.{place.name}": COMMON | place.section for place in places}
    transport = httpx.MockTransport(far)
    opened = open_house(
        folder, persistence, sections=sections, clock=FrozenClock(), transport=transport
    )
    async with opened as house:
        world = World(house)
        yield world


async def test_each_person_comes_in_as_who_she_is_there(
    tmp_path: Path, persistence: Persistence
) -> None:
    places = (*PLACES, many())
    async with world_of(tmp_path, persistence, *places) as world:
        for place in places:
            answer = await world.sign_in(place)
            pair, told = tokens(answer), answer.json()
            shown = (told["username"], told["avatar_url"], told["email"])
            assert shown == (place.username, place.avatar_url, place.email), place.name
            info = (await world.house.caller().info(access(pair))).json()
            subject = f"{TENANT}:{place.subject}" if place.name == "many" else place.subject
            connection = {"provider": place.name, "provider_user_id": subject}
            assert connection in info["oauth_connections"], place.name


async def test_of_many_tenants_just_those_that_are_listed_come_in_and_each_as_itself(
    tmp_path: Path, persistence: Persistence
) -> None:
    """A tenant's key set, token and issuer must all speak of one and the same tenant."""
    place = many()
    right = place.claims
    wrong = (
        {"tid": OTHER, "iss": f"{MICROSOFT}/{OTHER}/v2.0"},
        {"tid": OTHER},
        {"iss": f"{MICROSOFT}/{OTHER}/v2.0"},
        {"iss": f"{MICROSOFT}/{{tenantid}}/v2.0"},
        {"tid": f"{TENANT}/x"},
        {"tid": TENANT.upper()},
        {"tid": None},
    )
    refusals = {"PROVIDER_REFUSED", "PROVIDER_UNAVAILABLE"}
    async with world_of(tmp_path, persistence, place) as world:
        for claims in wrong:
            place.claims = right | claims
            assert reason(await world.sign_in(place)) in refusals, claims
        place.claims = right
        tokens(await world.sign_in(place))
    all_of_them = many(tenants=[])
    async with world_of(tmp_path, persistence, all_of_them) as world:
        all_of_them.claims = right | wrong[0]
        pair = tokens(await world.sign_in(all_of_them))
        info = (await world.house.caller().info(access(pair))).json()
        (connection,) = info["oauth_connections"]
        assert connection["provider_user_id"] == f"{OTHER}:{place.subject}"
        for tenant in ("common", "{tenantid}", f"{OTHER}/../{TENANT}", "", OTHER.upper()):
            iss = f"{MICROSOFT}/{tenant}/v2.0"
            all_of_them.claims = right | {"tid": tenant, "iss": iss}
            assert reason(await world.sign_in(all_of_them)) == "PROVIDER_REFUSED", tenant


@pytest.mark.parametrize("tenant", ["contoso.com", "", "../x", TENANT.upper(), "consumers"])
async def test_a_tenant_is_an_id_or_a_word_for_many(
    tmp_path: Path, persistence: Persistence, tenant: str
) -> None:
    section = COMMON | {"tenant": tenant}
    if not tenant:
        (status,) = (s for s in load((), {"microsoft": section}).statuses() if s.name != "github")
        assert status.reason == "missing_tenant"
        return
    with pytest.raises(PluginError, match="tenant is an id"):
        load((), {"microsoft": section})


async def test_apple_says_that_an_address_is_verified_in_two_ways_and_no_other(
    tmp_path: Path, persistence: Persistence
) -> None:
    (apple,) = (place for place in PLACES if place.name == "apple")
    right, wrong = (True, "true"), (False, "false", None, 1, "True", "yes", [True])
    said = [(one, ADA) for one in right] + [(one, "") for one in wrong]
    async with world_of(tmp_path, persistence, apple) as world:
        for number, (verified, email) in enumerate(said):
            more = {"email_verified": verified, "sub": f"apple-{number}"}
            one = replace(apple, claims=apple.claims | more)
            assert (await world.sign_in(one)).json()["email"] == email, verified


async def test_a_place_whose_values_are_incomplete_says_which(
    tmp_path: Path, persistence: Persistence
) -> None:
    del tmp_path, persistence
    lacks = {
        "apple": ("private_key", {"client_id": "a", "team_id": "t", "key_id": "k"}),
        "oidc": ("issuer", {**COMMON, "email_trust": "never"}),
        "google": ("client_id", {}),
    }
    statuses = load((), {name: section for name, (_, section) in lacks.items()}).statuses()
    told = {status.name: status.reason for status in statuses if status.name in lacks}
    assert told == {name: f"missing_{key}" for name, (key, _) in lacks.items()}
