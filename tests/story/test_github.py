"""Signing in at GitHub: from its code to the person, over what its documentation promises."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from standin import faults
from standin.github import Email, GitHub, Person
from standin.sites import open_site

from identra.errors import ProviderRefused, ProviderUnavailable
from identra.providers.oauth2 import authorization_url, exchange
from identra.upstream import Bounds, open_network
from identra.values import Address
from identra_github import GitHub as Provider
from identra_github import GitHubSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from identra.values import Upstream, UserInfo

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
QUICK = Bounds(connect=0.5, total=0.5)
PATHS = ("/login/oauth/access_token", "/user", "/user/emails")
ALICE = Person(7, "alice", (Email("alice@example.com"),))


def provider_of(github: GitHub, **said: str) -> Provider:
    section = {
        "client_id": github.client_id,
        "client_secret": github.client_secret,
        "redirect_url": github.callback,
    }
    return Provider(GitHubSettings.model_validate(section | said))


@asynccontextmanager
async def signing_in(
    way: str, github: GitHub, bounds: Bounds | None = None
) -> AsyncIterator[tuple[Provider, Upstream]]:
    """GitHub in process, under its own hosts, or an Enterprise Server on a port."""
    if way == "in process":
        provider = provider_of(github)
        network = open_network(github.transport(), bounds=bounds)
        yield provider, network.upstream(provider.hosts)
        await network.close()
        return
    with open_site(github) as site:
        provider = provider_of(github, base_url=site.base_url, api_url=site.api_url)
        network = open_network(bounds=bounds)
        yield provider, network.upstream(provider.hosts)
        await network.close()


async def sign_in(
    github: GitHub,
    *,
    way: str = "in process",
    verifier: str = VERIFIER,
    bounds: Bounds | None = None,
) -> UserInfo:
    async with signing_in(way, github, bounds) as (provider, upstream):
        back = github.callback
        url = authorization_url(provider, state="s", verifier=VERIFIER, redirect_url=back)
        told = github.approve(url)
        assert told["state"] == "s"
        return await exchange(
            provider, upstream, code=told["code"], verifier=verifier, redirect_url=back
        )


@pytest.fixture
def github() -> GitHub:
    made = GitHub()
    made.welcome(ALICE)
    return made


@pytest.fixture(params=["in process", "on a port"])
def way(request: pytest.FixtureRequest) -> str:
    return request.param


async def test_a_person_is_her_number_and_her_addresses_carry_githubs_own_flags(
    github: GitHub, way: str
) -> None:
    side = Email("side@example.com", verified=False, primary=False, visibility=None)
    github.welcome(replace(ALICE, emails=(*ALICE.emails, side)))
    info = await sign_in(github, way=way)
    assert (info.subject, info.username) == ("7", "alice")
    assert info.avatar_url == "https://avatars.githubusercontent.com/u/7?v=4"
    assert info.addresses == (
        Address("alice@example.com", verified=True, primary=True),
        Address("side@example.com"),
    )


@pytest.mark.parametrize("form", ["form", "json"])
async def test_the_token_answer_is_read_in_either_form(github: GitHub, form: Any, way: str) -> None:
    github.answers_as = form
    assert (await sign_in(github, way=way)).subject == "7"


async def test_a_changed_login_is_the_same_person(github: GitHub) -> None:
    github.welcome(replace(ALICE, login="alice2"))
    info = await sign_in(github)
    assert (info.subject, info.username) == ("7", "alice2")


async def test_an_unverified_primary_address_stays_unverified(github: GitHub) -> None:
    github.welcome(replace(ALICE, emails=(Email("alice@example.com", verified=False),)))
    (address,) = (await sign_in(github)).addresses
    assert (address.verified, address.primary) == (False, True)


async def test_a_person_without_address_can_sign_in(github: GitHub) -> None:
    github.welcome(replace(ALICE, emails=()))
    assert (await sign_in(github)).addresses == ()


async def test_the_public_address_of_a_profile_vouches_for_nothing(github: GitHub) -> None:
    github.welcome(replace(ALICE, emails=(), email="victim@example.com"))
    assert (await sign_in(github)).addresses == ()


async def test_a_code_is_refused_the_second_time(github: GitHub, way: str) -> None:
    async with signing_in(way, github) as (provider, upstream):
        back = github.callback
        url = authorization_url(provider, state="s", verifier=VERIFIER, redirect_url=back)
        code = github.approve(url)["code"]
        await exchange(provider, upstream, code=code, verifier=VERIFIER, redirect_url=back)
        with pytest.raises(ProviderRefused, match="bad_verification_code"):
            await exchange(provider, upstream, code=code, verifier=VERIFIER, redirect_url=back)


async def test_another_verifier_is_refused(github: GitHub) -> None:
    with pytest.raises(ProviderRefused, match="bad_verification_code"):
        await sign_in(github, verifier="x" * 43)


async def test_a_wrong_client_secret_is_refused(github: GitHub) -> None:
    async with signing_in("in process", github) as (provider, upstream):
        github.client_secret = "rotated"
        with pytest.raises(ProviderRefused, match="incorrect_client_credentials"):
            await exchange(
                provider, upstream, code="c", verifier=VERIFIER, redirect_url=github.callback
            )


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "fault",
    [
        faults.HTML,
        faults.SERVER_ERROR,
        faults.EMPTY,
        faults.REDIRECT,
        faults.RATE_LIMITED,
        faults.Hangup(),
    ],
    ids=["html", "500", "empty", "redirect", "429", "hangup"],
)
async def test_what_is_no_answer_is_unavailable_wherever_it_happens(
    github: GitHub, way: str, path: str, fault: faults.Fault
) -> None:
    github.faults[path] = fault
    with pytest.raises(ProviderUnavailable):
        await sign_in(github, way=way)


@pytest.mark.parametrize("path", PATHS)
async def test_a_slow_answer_is_left_at_the_deadline(github: GitHub, way: str, path: str) -> None:
    github.faults[path] = faults.Slow(30)
    with pytest.raises(ProviderUnavailable):
        await sign_in(github, way=way, bounds=QUICK)


@pytest.mark.parametrize("path", ["/user", "/user/emails"])
async def test_an_error_with_status_200_is_nobody(github: GitHub, path: str) -> None:
    github.faults[path] = faults.ERROR_WITH_STATUS_200
    with pytest.raises(ProviderUnavailable):
        await sign_in(github)


@pytest.mark.parametrize("number", ["7", 0, -1, None, True, 7.0, [], "", {}])
async def test_only_a_positive_whole_number_is_a_person(github: GitHub, number: Any) -> None:
    body = json.dumps({"id": number, "login": "mallory"}).encode()
    github.faults["/user"] = faults.Instead(body=body)
    with pytest.raises(ProviderUnavailable):
        await sign_in(github)


@pytest.mark.parametrize("path", PATHS)
async def test_a_failure_tells_no_secret(github: GitHub, path: str) -> None:
    github.faults[path] = faults.SERVER_ERROR
    with pytest.raises(ProviderUnavailable) as gone:
        await sign_in(github)
    assert gone.value.detail in {"github.com: status 500", "api.github.com: status 500"}
