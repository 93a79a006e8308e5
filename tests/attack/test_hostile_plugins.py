"""Plugins that raise, end, wait for an hour, cling on or answer rubbish, beside a login."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from callers import IMMEDIATE, House, access, open_house, reason, refresh, tokens
from homes import PASSWORD, code_for
from plugged import BAD, answering, clings, events, gives_rubbish, plugin, waits

from identra import hooks
from identra.plugin import CodeProvider, EmailTrust, OAuth2Provider, SecretProvider, UserInfo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from identra.plugin import Upstream
    from identra.settings import Persistence

ADA = "ada@example.com"
SLOW = (waits, clings)
QUICK = tuple(one for one in BAD if one not in SLOW)
HOOKS = ("admit", "claims", "observe", "send_message", "check_password")
pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


def all_hooks(act: Callable[[], Awaitable[Any]]) -> list[Callable[..., Any]]:
    return [answering(hook, act) for hook in HOOKS]


async def everything_works(house: House) -> None:
    """Register, sign in by both ways, refresh, look."""
    her = house.caller()
    pair = tokens(await her.register(ADA))
    tokens(await her.log_in(ADA))
    await her.ask_code(ADA)
    tokens(await her.answer(ADA, code_for(house.app, ADA), bearer=access(pair)))
    again = tokens(await her.refresh(refresh(pair)))
    assert (await her.info(access(again))).status_code == 200


async def test_plugins_that_fail_in_every_hook_fail_nobodys_login(
    tmp_path: Path, persistence: Persistence
) -> None:
    bad = {one.__name__: plugin(one.__name__, *all_hooks(one)) for one in QUICK}
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, plugins=bad) as house:
        await everything_works(house)
        await house.app.login._admission._notices._messenger.close()
        told = await events(house, "plugin.failed")
        failed = {(one["plugin"], one["call"]) for one in told}
        at_once = {"admit", "claims", "check_password"}
        assert {(one, hook) for one in bad for hook in at_once} <= failed
        assert "hunter2" not in str(told)


async def test_plugins_that_never_come_back_hold_a_login_up_for_their_time_alone(
    tmp_path: Path, persistence: Persistence
) -> None:
    bad = {one.__name__: plugin(one.__name__, answering("admit", one)) for one in SLOW}
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, plugins=bad) as house:
        began = time.monotonic()
        others = [house.caller().register(f"{name}@example.com") for name in "abc"]
        for answer in await asyncio.gather(*others):
            tokens(answer)
        took = time.monotonic() - began
        assert len(bad) * hooks.DECIDING <= took < len(bad) * hooks.DECIDING + 4
        told = {one["plugin"]: one["cause"] for one in await events(house, "plugin.failed")}
        assert told == dict.fromkeys(bad, "no answer in time")


async def test_an_observer_that_never_comes_back_holds_nobody_up_and_no_other_observer(
    tmp_path: Path, persistence: Persistence
) -> None:
    heard: list[str] = []

    async def observe(fact: Any) -> None:
        heard.append(fact.name)

    given = {
        "stuck": plugin("stuck", answering("observe", clings)),
        "well": plugin("well", observe),
    }
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, plugins=given) as house:
        began = time.monotonic()
        await everything_works(house)
        assert time.monotonic() - began < 5
        assert "login.succeeded" in heard


async def test_a_required_plugin_that_fails_lets_nobody_past_it(
    tmp_path: Path, persistence: Persistence
) -> None:
    """The code is not lost: once the plugin works, it is good still."""
    broken = [True]

    async def admit() -> Any:
        return await gives_rubbish() if broken[0] else None

    sections = {"plugins": {"required": ["guard"]}}
    given = {"guard": plugin("guard", admit)}
    async with open_house(tmp_path, persistence, sections=sections, plugins=given) as house:
        her = house.caller()
        await her.ask_code(ADA)
        code = code_for(house.app, ADA)
        answer = await her.answer(ADA, code)
        assert (answer.status_code, reason(answer)) == (503, "PROVIDER_UNAVAILABLE")
        assert await house.rows("users", "sessions") == {"users": 0, "sessions": 0}
        broken[0] = False
        tokens(await her.answer(ADA, code))


async def test_a_breach_list_that_fails_stops_no_registration_unless_it_is_required(
    tmp_path: Path, persistence: Persistence
) -> None:
    given = {"breaches": plugin("breaches", answering("check_password", waits))}
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, plugins=given) as house:
        began = time.monotonic()
        tokens(await house.caller().register(ADA))
        assert hooks.CHECKING <= time.monotonic() - began < hooks.CHECKING + 4
    given = {"breaches": plugin("breaches", answering("check_password", gives_rubbish))}
    required = IMMEDIATE | {"plugins": {"required": ["breaches"]}}
    async with open_house(tmp_path, persistence, sections=required, plugins=given) as house:
        answer = await house.caller().register("eve@example.com")
        assert reason(answer) == "PROVIDER_UNAVAILABLE"


class Place(OAuth2Provider):
    """A place that is never there."""

    name, contract = "place", 1
    email_trust = EmailTrust.never
    authorize_url, token_url = "https://place.example/a", "https://place.example/t"
    hosts = ("place.example",)

    end: type[BaseException] = RuntimeError

    def missing(self) -> str | None:
        raise self.end

    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        raise NotImplementedError


class Channel(CodeProvider):
    name, contract = "channel", 1
    email_trust = EmailTrust.never
    end: type[BaseException] = RuntimeError

    def recipient(self, to: str) -> str:
        if to == "raise":
            raise self.end("a secret: hunter2")
        return to

    async def send(self, upstream: Upstream, to: str, text: str) -> None:
        del upstream, text
        await {one.__name__: one for one in BAD}[to]()


class Phrase(SecretProvider):
    name, contract = "phrase", 1
    email_trust = EmailTrust.never
    end: type[BaseException] = RuntimeError

    def objection(self, secret: str, email: str) -> str | None:
        del email
        raise self.end(secret)


@pytest.mark.parametrize("end", [RuntimeError, SystemExit])
async def test_a_provider_that_fails_is_one_clean_error_of_its_own_and_an_event(
    tmp_path: Path, persistence: Persistence, end: type[BaseException]
) -> None:
    """One that would end the process only fails: others are served by it."""

    def providers() -> list[type[Any]]:
        return [type(one.__name__, (one,), {"end": end}) for one in (Place, Channel, Phrase)]

    given = {"bad": plugin("bad", providers)}
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, plugins=given) as house:
        her = house.caller()
        for to in ("raise", *(one.__name__ for one in QUICK if one is not gives_rubbish)):
            answer = await house.caller().say("/channel/code", {"to": to})
            assert reason(answer) == "PROVIDER_UNAVAILABLE", to
        answer = await her.say("/phrase/register", {"email": ADA, "password": PASSWORD})
        assert reason(answer) == "PROVIDER_UNAVAILABLE"
        listed = (await her.ask("/oauth/providers")).json()["providers"]
        assert {"name": "place", "enabled": False, "reason": "failed"} in listed
        await everything_works(house)
        told = await events(house, "plugin.failed")
        assert {(one["plugin"], one["call"]) for one in told} == {
            ("channel", "recipient"),
            ("channel", "send"),
            ("phrase", "objection"),
        }
        assert "hunter2" not in str(told)
        assert PASSWORD not in str(told)


class Odd(OAuth2Provider):
    """A place whose URL can't be written once it is on."""

    name, contract = "odd", 1
    email_trust = EmailTrust.never
    authorize_url, token_url = "https://odd.example/a", "https://odd.example/t"
    hosts = ("odd.example",)
    on = False

    def missing(self) -> str | None:
        self.on = True
        return None

    @property
    def authorize_parameters(self) -> dict[str, str]:  # type: ignore[override]
        if self.on:
            raise TypeError("a secret: hunter2")
        return {}


async def test_a_place_that_can_not_be_left_for_is_one_clean_error_of_its_own(
    tmp_path: Path, persistence: Persistence
) -> None:
    said = {"client_id": "app-1", "client_secret": "9f2c4e6a", "redirect_url": "https://a.example"}
    sections = IMMEDIATE | {"providers.odd": said}

    def providers() -> list[type[OAuth2Provider]]:
        return [Odd]

    given = {"odd": plugin("odd", providers)}
    async with open_house(tmp_path, persistence, sections=sections, plugins=given) as house:
        answer = await house.caller().ask("/oauth/url", provider="odd")
        assert (answer.status_code, reason(answer)) == (503, "PROVIDER_UNAVAILABLE")
        (told,) = await events(house, "plugin.failed")
        assert (told["plugin"], told["call"], told["cause"]) == ("odd", "departure", "TypeError")
        await everything_works(house)
