"""Whatever a plugin of an OpenID place does, the core's dance stays whole."""

from __future__ import annotations

from typing import Any

import pytest
from clock import NOON, FrozenClock
from standin.openid import OpenId

from identra.errors import ProviderRefused, ProviderUnavailable
from identra.plugin import EmailTrust, OAuth2Provider, OAuth2Settings, OIDCProvider, UserInfo
from identra.providers.oidc import OIDCPlace
from identra.providers.redirecting import OURS, RedirectingProvider, Trip
from identra.upstream import open_network

SECRET = "at-whatThePlaceGaveUs"
TOLD = [RuntimeError(SECRET), KeyError(SECRET), SystemExit(SECRET), None, "u-7", {"sub": 1}]
TRIP = Trip("http://localhost:3000/callback", "state-1", "v" * 43, "nonce-1")


class Corp(OIDCProvider):
    name, contract = "corp", 1
    email_trust = EmailTrust.claim
    issuer = "https://id.example"


class Forge(OAuth2Provider):
    name, contract = "forge", 1
    email_trust = EmailTrust.never
    authorize_url = "https://forge.example/authorize"
    token_url = "https://forge.example/token"
    hosts = ("forge.example",)


async def sign_in(
    make: type[OIDCProvider], openid: OpenId, *, trip: Trip = TRIP, times: int = 1
) -> UserInfo:
    provider = make(OAuth2Settings.model_validate(openid.section()))
    network = open_network(openid.transport())
    try:
        upstream = network.upstream(provider.reaches)
        way = await OIDCPlace(provider, upstream, FrozenClock()).open()
        code = openid.approve(way.leave(TRIP))["code"]
        for _ in range(times - 1):
            await way.arrive(trip, code)
        return await way.arrive(trip, code)
    finally:
        await network.close()


@pytest.fixture
def openid() -> OpenId:
    return OpenId(now=lambda: NOON / 1_000_000)


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "ES512", "EdDSA", "PS256", "RS512"])
async def test_every_algorithm_with_a_public_key_is_believed(algorithm: str) -> None:
    openid = OpenId(algorithm=algorithm, now=lambda: NOON / 1_000_000)
    assert (await sign_in(Corp, openid)).subject == "u-7"


@pytest.mark.parametrize("methods", [None, ["client_secret_basic"], ["client_secret_post"]])
async def test_the_secret_goes_as_the_place_wants_it(
    openid: OpenId, methods: list[str] | None
) -> None:
    """By HTTP Basic unless it takes the form."""
    openid.methods, openid.client_secret = methods, "a:b c+d/\u00e9" * 5
    assert (await sign_in(Corp, openid)).subject == "u-7"


async def test_a_place_that_takes_neither_way_refuses(openid: OpenId) -> None:
    openid.methods = ["private_key_jwt"]
    with pytest.raises(ProviderRefused, match="401 invalid_client"):
        await sign_in(Corp, openid)


async def test_the_subject_is_the_tokens_own_whatever_a_plugin_reads(openid: OpenId) -> None:
    class Liar(Corp):
        def read(self, claims: dict[str, Any]) -> UserInfo:
            del claims
            return UserInfo("victim", username="v")

    info = await sign_in(Liar, openid)
    assert (info.subject, info.username) == ("u-7", "v")


async def test_a_plugin_sees_neither_nonce_nor_hashes(openid: OpenId) -> None:
    seen: dict[str, Any] = {}

    class Curious(Corp):
        def read(self, claims: dict[str, Any]) -> UserInfo:
            seen.update(claims)
            return super().read(claims)

    await sign_in(Curious, openid)
    assert "sub" in seen
    assert not {"nonce", "at_hash"} & set(seen)


@pytest.mark.parametrize("told", TOLD)
async def test_what_a_plugin_can_not_read_is_unavailable_and_not_repeated(
    openid: OpenId, told: object
) -> None:
    class Odd(Corp):
        def read(self, claims: dict[str, Any]) -> Any:
            del claims
            if isinstance(told, BaseException):
                raise told
            return told

    with pytest.raises(ProviderUnavailable) as gone:
        await sign_in(Odd, openid)
    assert SECRET not in gone.value.detail


@pytest.mark.parametrize(
    "other",
    [
        Trip(TRIP.redirect_url, TRIP.state, "w" * 43, TRIP.nonce),
        Trip(TRIP.redirect_url, TRIP.state, TRIP.verifier, "nonce-2"),
        Trip("http://localhost:3000/other", TRIP.state, TRIP.verifier, TRIP.nonce),
    ],
    ids=["verifier", "nonce", "redirect"],
)
async def test_a_code_goes_with_the_trip_that_it_was_given_on(openid: OpenId, other: Trip) -> None:
    with pytest.raises(ProviderRefused):
        await sign_in(Corp, openid, trip=other)


async def test_a_code_is_refused_the_second_time(openid: OpenId) -> None:
    with pytest.raises(ProviderRefused, match="invalid_grant"):
        await sign_in(Corp, openid, times=2)


@pytest.mark.parametrize("name", sorted(OURS))
@pytest.mark.parametrize("kind", [Corp, Forge])
def test_no_plugin_says_what_is_the_cores_to_say(
    kind: type[RedirectingProvider], name: str
) -> None:
    provider = kind(OAuth2Settings())
    provider.demand_sound()
    provider.authorize_parameters = {name: "x"}
    with pytest.raises(ValueError, match="the core's"):
        provider.demand_sound()


async def test_what_a_plugin_says_beside_is_told_and_the_core_has_the_last_word(
    openid: OpenId,
) -> None:
    provider = Corp(OAuth2Settings.model_validate(openid.section()))
    provider.authorize_parameters = {"prompt": "select_account", "state": "mine"}
    network = open_network(openid.transport())
    upstream = network.upstream(provider.reaches)
    url = (await OIDCPlace(provider, upstream, FrozenClock()).open()).leave(TRIP)
    await network.close()
    assert "prompt=select_account" in url
    assert "state=state-1" in url
    assert "mine" not in url


async def test_a_failure_tells_no_secret(openid: OpenId) -> None:
    """Not the code, a token, the client's secret, nor what the trip proves itself with."""
    shown: list[str] = []
    for claims in ({"nonce": "x"}, {"aud": "x"}, {"exp": 0}, {"iss": SECRET}, {"sub": 7}):
        openid.claims = claims
        with pytest.raises(ProviderRefused) as refused:
            await sign_in(Corp, openid)
        shown.append(refused.value.detail)
    secrets = (openid.client_secret, TRIP.verifier, TRIP.nonce, TRIP.state, SECRET, "at-", "ey")
    assert not [one for one in secrets if one in " ".join(shown)]
    assert TRIP.verifier not in repr(TRIP)
