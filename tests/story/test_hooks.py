"""What plugins' hooks may do, seen from the door: deny, add claims, observe, deliver, object."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import scribe
from callers import IMMEDIATE, access, open_house, reason, refresh, tokens
from homes import PASSWORD, code_for, mails_to
from plugged import answering, events, plugin, raises
from standin.acme import Acme

from identra.mail import NoMailer
from identra.plugin import (
    Aid,
    Arrival,
    Choice,
    CodeProvider,
    Delivery,
    EmailTrust,
    Fact,
    Holder,
    HookSettings,
)
from identra.tokens import RESERVED, split

if TYPE_CHECKING:
    from pathlib import Path

    import httpx
    from callers import House

    from identra.plugin import Upstream
    from identra.settings import Persistence

ADA, EVE = "ada@example.com", "eve@example.com"
pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


def claims_of(pair: dict[str, Any]) -> dict[str, Any]:
    return split(access(pair))[1]


async def test_who_is_denied_is_told_in_the_plugins_words_and_leaves_nothing_but_the_event(
    tmp_path: Path, persistence: Persistence
) -> None:
    async def admit(arrival: Arrival) -> str | None:
        return "Only Ada may\ncome in." if ADA not in arrival.addresses else None

    doorman = plugin("doorman", admit)
    async with open_house(tmp_path, persistence, plugins={"doorman": doorman}) as house:
        _, hers = await house.owner(ADA)
        assert tokens_work(await house.caller().info(access(hers)))
        eve = house.caller()
        await eve.ask_code(EVE)
        answer = await eve.answer(EVE, code_for(house.app, EVE))
        assert (answer.status_code, reason(answer)) == (403, "DENIED")
        assert answer.json()["message"] == "Only Ada maycome in."
        assert await house.rows("users", "sessions") == {"users": 1, "sessions": 1}
        (told,) = await events(house, "login.refused")
        assert (told["provider"], told["plugin"]) == ("email", "doorman")


def tokens_work(answer: httpx.Response) -> bool:
    return answer.status_code == 200


async def test_a_plugin_is_asked_with_what_is_proved_of_whoever_arrives(
    tmp_path: Path, persistence: Persistence
) -> None:
    asked: list[Arrival] = []

    async def admit(arrival: Arrival) -> None:
        asked.append(arrival)

    async with open_house(tmp_path, persistence, plugins={"eye": plugin("eye", admit)}) as house:
        her, pair = await house.owner(ADA)
        user_id = claims_of(pair)["sub"]
        assert asked == [Arrival("email", ("otp",), None, (ADA,), her.network)]
        assert asked[0].is_new
        await her.ask_code(ADA)
        await her.register(ADA)
        confirmed = await her.confirm(ADA, code_for(house.app, ADA))
        await her.log_in(ADA)
        tokens(confirmed)
        assert asked[-1] == Arrival("password", ("pwd",), user_id, (ADA,), her.network)


async def test_an_address_that_is_merely_claimed_is_not_told_as_proved(
    tmp_path: Path, persistence: Persistence
) -> None:
    asked: list[Arrival] = []

    async def admit(arrival: Arrival) -> None:
        asked.append(arrival)

    given = {"eye": plugin("eye", admit)}
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, plugins=given) as house:
        her = house.caller()
        user_id = claims_of(tokens(await her.register(ADA)))["sub"]
        tokens(await her.log_in(ADA))
        expected = Arrival("password", ("pwd",), None, (), her.network)
        assert asked == [expected, replace(expected, user_id=user_id)]


async def test_claims_are_in_every_access_token_of_the_session(
    tmp_path: Path, persistence: Persistence
) -> None:
    asked: list[Holder] = []

    async def claims(holder: Holder) -> dict[str, Any]:
        asked.append(holder)
        return {"acme_plan": {"name": "gold", "seats": [1, len(asked)]}}

    async with open_house(tmp_path, persistence, plugins={"plan": plugin("plan", claims)}) as house:
        her, pair = await house.owner(ADA)
        assert claims_of(pair)["acme_plan"] == {"name": "gold", "seats": [1, 1]}
        assert tokens_work(await her.info(access(pair)))
        again = tokens(await her.refresh(refresh(pair)))
        told = claims_of(again)
        assert told["acme_plan"]["seats"] == [1, 2]
        expected = Holder(told["sub"], told["sid"], "email", ("otp",), told["auth_time"])
        assert asked == [expected, expected]


@pytest.mark.parametrize("name", ["sub", "exp", "scope", "roles", "email", "sid", "user_id"])
async def test_a_reserved_claim_is_refused_with_all_that_comes_with_it(
    tmp_path: Path, persistence: Persistence, name: str
) -> None:
    assert name in RESERVED
    given = answering("claims", {name: "mallory", "acme_plan": "gold"})
    async with open_house(tmp_path, persistence, plugins={"bad": plugin("bad", given)}) as house:
        her, pair = await house.owner(ADA)
        told = claims_of(pair)
        assert "acme_plan" not in told
        assert told.get(name) != "mallory"
        assert tokens_work(await her.info(access(pair)))
        (failed,) = await events(house, "plugin.failed")
        assert failed["cause"] == f"the claim {name} is reserved"


@pytest.mark.parametrize(
    "given",
    [
        {"a b": 1},
        {1: 1},
        {"x": float("nan")},
        {"x": {1: 2}},
        {"x": object()},
        {"x": "y" * 3000},
        ["x"],
        "x",
    ],
    ids=["space", "number", "nan", "inner number", "object", "long", "list", "word"],
)
async def test_claims_that_are_none_are_left_out(
    tmp_path: Path, persistence: Persistence, given: Any
) -> None:
    bad, good = plugin("a", answering("claims", given)), plugin("b", answering("claims", {"y": 1}))
    async with open_house(tmp_path, persistence, plugins={"a": bad, "b": good}) as house:
        _, pair = await house.owner(ADA)
        assert "x" not in claims_of(pair)
        assert claims_of(pair)["y"] == 1


async def test_of_two_plugins_with_one_claim_the_first_by_name_is_heard(
    tmp_path: Path, persistence: Persistence
) -> None:
    both = {
        "zulu": plugin("zulu", answering("claims", {"x": "zulu"})),
        "alpha": plugin("alpha", answering("claims", {"x": "alpha"})),
    }
    async with open_house(tmp_path, persistence, plugins=both) as house:
        _, pair = await house.owner(ADA)
        assert claims_of(pair)["x"] == "alpha"
        (failed,) = await events(house, "plugin.failed")
        assert failed["plugin"] == "zulu"


async def test_without_the_claims_of_a_required_plugin_nobody_gets_a_token(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Login and refresh answer 503; the refresh token stays as good as it was."""
    broken = [False]

    async def claims() -> dict[str, Any]:
        return await raises() if broken[0] else {"acme_plan": "gold"}

    required = {"plugins": {"required": ["plan"]}}
    given = {"plan": plugin("plan", claims)}
    async with open_house(tmp_path, persistence, sections=required, plugins=given) as house:
        her, pair = await house.owner(ADA)
        broken[0] = True
        answer = await her.refresh(refresh(pair))
        assert (answer.status_code, reason(answer)) == (503, "PROVIDER_UNAVAILABLE")
        eve = house.caller()
        await eve.ask_code(EVE)
        assert reason(await eve.answer(EVE, code_for(house.app, EVE))) == "PROVIDER_UNAVAILABLE"
        (ended,) = await events(house, "session.revoked")
        assert ended["reason"] == "unanswered"
        broken[0] = False
        assert claims_of(tokens(await her.refresh(refresh(pair))))["acme_plan"] == "gold"


async def test_observers_are_told_what_lasts_and_nothing_that_was_undone(
    tmp_path: Path, persistence: Persistence
) -> None:
    told: list[Fact] = []
    heard = asyncio.Event()

    async def observe(fact: Fact) -> None:
        told.append(fact)
        if fact.name == "login.succeeded":
            heard.set()

    given = {"eye": plugin("eye", observe)}
    async with open_house(tmp_path, persistence, plugins=given) as house:
        with suppress(ZeroDivisionError):
            async with house.app.database.transaction():
                await house.app.login._admission._events.record("user.created", user_id="nobody")
                raise ZeroDivisionError
        her, pair = await house.owner(ADA)
        async with asyncio.timeout(5):
            await heard.wait()
        user_id = claims_of(pair)["sub"]
        assert {fact.user_id for fact in told} == {user_id}
        assert {"user.created", "address.proved", "login.succeeded"} <= {f.name for f in told}
        last = next(fact for fact in told if fact.name == "login.succeeded")
        assert last.data["peer"] == her.network
        with pytest.raises(TypeError):
            last.data["peer"] = "x"  # type: ignore[index]


async def test_a_notice_is_delivered_by_a_plugin_that_takes_it_else_by_mail(
    tmp_path: Path, persistence: Persistence
) -> None:
    """A mailed code never goes that way: only the core's own mail proves an address."""
    taken: list[Delivery] = []

    async def send_message(delivery: Delivery) -> bool:
        taken.append(delivery)
        return True

    given = {"pigeon": plugin("pigeon", send_message)}
    async with open_house(tmp_path, persistence, plugins=given) as house:
        her, pair = await house.owner(ADA)
        await her.register(ADA)
        assert taken == []
        tokens(await her.confirm(ADA, code_for(house.app, ADA)))
        await all_told(house)
        user_id = claims_of(pair)["sub"]
        assert [(one.kind, one.to, one.user_id) for one in taken] == [("notice", ADA, user_id)]
        assert not [subject for subject in mails_to(house.app, ADA) if "password" in subject]


class Pager(CodeProvider):
    """A channel that reaches nobody by itself."""

    name, contract = "pager", 1
    email_trust = EmailTrust.never

    def recipient(self, to: str) -> str:
        return to

    async def send(self, upstream: Upstream, to: str, text: str) -> None:
        raise NotImplementedError


async def test_a_code_of_another_channel_than_mail_may_be_delivered_by_a_plugin(
    tmp_path: Path, persistence: Persistence
) -> None:
    taken: list[Delivery] = []

    def providers() -> list[type[CodeProvider]]:
        return [Pager]

    async def send_message(delivery: Delivery) -> bool:
        taken.append(delivery)
        return True

    given = {"pager": plugin("pager", providers, send_message)}
    async with open_house(tmp_path, persistence, plugins=given) as house:
        her = house.caller()
        assert (await her.say("/pager/code", {"to": "7"})).status_code == 200
        (delivery,) = taken
        assert (delivery.kind, delivery.provider, delivery.to) == ("code", "pager", "7")
        code = delivery.text.split()[0]
        assert code not in repr(delivery)
        pair = tokens(await her.say("/pager/login", {"to": "7", "code": code}))
        assert (await her.info(access(pair))).json()["email"] == ""


async def all_told(house: House) -> None:
    """Until no notice waits for a plugin."""
    await house.app.login._admission._notices._messenger.close()


async def test_a_notice_that_no_plugin_takes_leaves_by_mail(
    tmp_path: Path, persistence: Persistence
) -> None:
    given = {
        "a": plugin("a", answering("send_message", raises)),
        "b": plugin("b", answering("send_message", None)),
        "c": plugin("c", answering("send_message", "yes")),
    }
    async with open_house(tmp_path, persistence, plugins=given) as house:
        her, _ = await house.owner(ADA)
        await her.register(ADA)
        tokens(await her.confirm(ADA, code_for(house.app, ADA)))
        await all_told(house)
        assert any("password" in subject for subject in mails_to(house.app, ADA))
        assert {one["plugin"] for one in await events(house, "plugin.failed")} == {"a", "c"}


async def test_a_notice_leaves_by_a_plugin_where_there_is_no_mail(
    tmp_path: Path, persistence: Persistence
) -> None:
    taken: list[Delivery] = []

    async def send_message(delivery: Delivery) -> bool:
        taken.append(delivery)
        return True

    given = {"pigeon": plugin("pigeon", send_message)}
    async with open_house(tmp_path, persistence, mailer=NoMailer(), plugins=given) as house:
        assert reason(await house.caller().ask_code(ADA)) == "MAIL_NOT_CONFIGURED"
        notices = house.app.login._admission._notices
        assert notices._messenger.configured
        notices._messenger.post(scribe.letter("password_set", "de", to=ADA), "a user")
        await all_told(house)
        (word,) = taken
        assert (word.to, word.letter, word.locale) == (ADA, "password_set", "de")
        assert word.text in scribe.letter("password_set", "de").text
        assert word.html.startswith("<!doctype html>")


async def test_a_chosen_secret_that_a_plugin_objects_to_is_refused_by_its_sentence(
    tmp_path: Path, persistence: Persistence
) -> None:
    asked: list[Choice] = []

    async def check_password(choice: Choice) -> str | None:
        asked.append(choice)
        return "is known from a breach" if choice.secret == PASSWORD else None

    given = {"breaches": plugin("breaches", check_password)}
    async with open_house(tmp_path, persistence, sections=IMMEDIATE, plugins=given) as house:
        her = house.caller()
        refused = (await her.register(ADA)).json()
        assert refused["details"] == [{"field": "password", "message": "is known from a breach"}]
        tokens(await her.register(ADA, "another horse battery staple"))
        assert asked[0] == Choice("password", ADA, PASSWORD)
        assert PASSWORD not in repr(asked)


async def test_hooks_have_their_own_settings_and_reach_their_declared_hosts_alone(
    tmp_path: Path, persistence: Persistence
) -> None:
    acme = Acme("4f9d2c71", "secret", "secret", {})

    class Section(HookSettings):
        hosts = ("sms.acme.example",)
        key: str

    async def observe(fact: Fact, aid: Aid) -> None:
        assert isinstance(aid.settings, Section)
        form = {"to": "log", "text": fact.name}
        await aid.upstream.post_form("https://sms.acme.example/messages", form, bearer="secret")
        await aid.upstream.get_json("https://api.acme.example/v1/me", bearer=aid.settings.key)

    def section() -> type[HookSettings]:
        return Section

    given = {"log": plugin("log", observe, section)}
    opened = open_house(
        tmp_path,
        persistence,
        sections={"hooks.log": {"key": "secret"}},
        plugins=given,
        transport=acme.transport(),
    )
    async with opened as house:
        await house.owner(ADA)
    assert {"to": "log", "text": "user.created"} in acme.messages
