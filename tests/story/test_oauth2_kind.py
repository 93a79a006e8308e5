"""Whatever a plugin does when asked who somebody is, it is one clean failure or one person."""

from __future__ import annotations

import inspect
import time
from typing import Any

import pytest
from plugged import cancels_itself, clings, exits, waits
from standin.github import GitHub

from identra.errors import ProviderRefused, ProviderUnavailable
from identra.providers import redirecting
from identra.providers.oauth2 import authorization_url, exchange
from identra.upstream import open_network
from identra.values import Address, UserInfo
from identra_github import GitHub as Provider
from identra_github import GitHubSettings

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
SECRET = "gho_whatThePlaceGaveUs"


class Unchecked(UserInfo):
    """What a plugin may write to be rid of the checks."""

    def __post_init__(self) -> None:
        pass


class Vouched(Address):
    def __post_init__(self) -> None:
        pass


def hollow() -> UserInfo:
    """Made whole, and changed though it is frozen."""
    made = UserInfo("u-7")
    object.__setattr__(made, "subject", None)
    return made


async def sign_in(told: Any) -> UserInfo:
    """Sign in where the plugin's answer is `told`: to be given, or to be raised."""

    class Odd(Provider):
        async def userinfo(self, upstream: Any, token: str) -> Any:  # noqa: ARG002 - the kind's shape
            if isinstance(told, BaseException):
                raise told
            return (await told()) if inspect.iscoroutinefunction(told) else told

    github = GitHub()
    github.visitor = 7
    section = {
        "client_id": github.client_id,
        "client_secret": github.client_secret,
        "redirect_url": github.callback,
    }
    provider = Odd(GitHubSettings.model_validate(section))
    network = open_network(github.transport())
    back = github.callback
    url = authorization_url(provider, state="s", verifier=VERIFIER, redirect_url=back)
    try:
        return await exchange(
            provider,
            network.upstream(provider.hosts),
            code=github.approve(url)["code"],
            verifier=VERIFIER,
            redirect_url=back,
        )
    finally:
        await network.close()


@pytest.mark.parametrize(
    "fault",
    [
        RuntimeError(SECRET),
        ZeroDivisionError(),
        RecursionError(),
        AssertionError(SECRET),
        ValueError(SECRET),
        KeyError(SECRET),
        StopAsyncIteration(),
    ],
    ids=lambda fault: type(fault).__name__,
)
async def test_anything_a_plugin_raises_is_unavailable_and_not_repeated(fault: Exception) -> None:
    with pytest.raises(ProviderUnavailable) as gone:
        await sign_in(fault)
    assert type(fault).__name__ in gone.value.detail
    assert SECRET not in gone.value.detail


async def test_a_refusal_of_the_plugin_stays_a_refusal() -> None:
    with pytest.raises(ProviderRefused):
        await sign_in(ProviderRefused("no"))


@pytest.mark.parametrize("act", [waits, clings, exits, cancels_itself])
async def test_a_plugin_that_does_not_come_back_is_cut_off_in_its_time(
    act: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it does with being told to end; nine seconds are half of one here."""
    monkeypatch.setattr(redirecting, "TIME_LIMIT", 0.5)
    began = time.monotonic()
    with pytest.raises(ProviderUnavailable):
        await sign_in(act)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("told", [None, {"id": 7}, "7", UserInfo])
async def test_what_is_no_userinfo_is_nobody(told: object) -> None:
    with pytest.raises(ProviderUnavailable):
        await sign_in(told)


@pytest.mark.parametrize("nothing", [None, 0, False, True, "null", "undefined", float("nan")])
def test_nothing_written_out_is_no_subject(nothing: object) -> None:
    """A plugin that takes str() of what is missing makes everybody one and the same person."""
    with pytest.raises(ValueError, match="subject"):
        UserInfo(str(nothing))


UNCHECKED = {
    "an empty subject": Unchecked(""),
    "a subject that is none": Unchecked(None),  # type: ignore[arg-type]
    "nobody's subject": Unchecked("null"),
    "an address that is a word": Unchecked("u-7", addresses=("ada@example.com",)),  # type: ignore[arg-type]
    "a word for an address": Unchecked(
        "u-7",
        addresses=(Vouched("ada@example.com", verified="yes", primary=True),),  # type: ignore[arg-type]
    ),
    "a frozen one changed": hollow(),
}


@pytest.mark.parametrize("case", UNCHECKED)
async def test_what_does_not_check_itself_is_checked_here(case: str) -> None:
    with pytest.raises(ProviderUnavailable):
        await sign_in(UNCHECKED[case])
    made = await sign_in(Unchecked("u-7", "ada"))
    assert (type(made), made.subject, made.username) == (UserInfo, "u-7", "ada")
