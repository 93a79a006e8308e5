"""Letters in the language that a call asks for, and then in the one that a user chose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest
from callers import IMMEDIATE, Caller, access, open_house, section_of, tokens
from homes import PASSWORD, code_for
from running import rpc_of
from scribe import letter
from standin.github import Email, GitHub, Person

from identra.grpc.identra.v1 import identra_pb2 as v1

if TYPE_CHECKING:
    from pathlib import Path

    from callers import House
    from clock import FrozenClock

    from identra.settings import Persistence
    from identra.values import Message

ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
ACME = {"mail": {"application_name": "Acme"}}
LINKS = {"providers.magic_link": {}}


def newest(house: House, email: str) -> Message:
    assert house.app.outbox is not None
    return [message for message in house.app.outbox.messages if message.to == email][-1]


def letters_to(house: House, email: str) -> list[tuple[str, str]]:
    """The name and the language of each, the oldest first."""
    assert house.app.outbox is not None
    return [(one.letter, one.locale) for one in house.app.outbox.messages if one.to == email]


async def ask(house: House, path: str, email: str, header: str = "", **body: Any) -> Message:
    """The letter that comes of asking for a code, or registering."""
    said = {"Accept-Language": header} if header else {}
    answer = await house.caller().say(path, {"email": email, **body}, **said)
    assert answer.json() == {}
    return newest(house, email)


async def enter(house: House, email: str, header: str = "", **body: Any) -> str:
    """Ask for a code and answer it; the access token."""
    await ask(house, "/email/code", email, header, **body)
    return access(tokens(await house.caller().answer(email, code_for(house.app, email))))


async def test_a_letter_comes_in_the_language_that_its_call_asks_for(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=ACME | LINKS) as house:
        heard = await ask(house, "/email/code", "a@example.com", "it, fr-CH;q=0.9, de;q=0.8")
        assert heard.subject == letter("code", "fr").subject
        assert "Votre code est" in heard.text
        assert "Réseau\u00a0: 203.0.113.0/24" in heard.text
        assert heard.html is None
        said = await ask(house, "/email/code", "b@example.com", "fr", locale="de-AT", use_html=True)
        assert said.subject == letter("code", "de").subject
        assert '<html lang="de">' in (said.html or "")
        foreign = await ask(house, "/email/code", "c@example.com", "ja", locale="tlh")
        assert foreign.locale == "ja"
        assert (await ask(house, "/email/code", "d@example.com", "it")).locale == "en"
        link = await ask(house, "/magic_link/code", "e@example.com", locale="zh_CN")
        assert (link.locale, "/magic_link/link#code=" in link.text) == ("zh_Hans", True)
        joins = await ask(
            house, "/password/register", "f@example.com", password=PASSWORD, locale="es"
        )
        assert joins.subject == letter("code", "es").subject
        assert joins.html


async def test_a_call_that_says_no_language_gets_the_users_own_and_else_the_default(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    sections = {"mail": {"default_locale": "fr"}}
    async with open_house(tmp_path, persistence, sections=sections, clock=clock) as house:
        await enter(house, ADA, locale="de")
        clock.advance(61)
        assert (await ask(house, "/email/code", ADA)).locale == "de"
        assert (await ask(house, "/email/code", BOB)).locale == "fr"
        clock.advance(61)
        assert (await ask(house, "/email/code", ADA, "ja")).locale == "ja"
        clock.advance(61)
        assert (await ask(house, "/email/code", ADA)).locale == "de", "nobody answered that one"
        clock.advance(61)
        await enter(house, ADA, "ja")
        clock.advance(61)
        assert (await ask(house, "/email/code", ADA)).locale == "ja"


async def test_an_owner_is_told_in_her_own_language_whoever_calls(
    tmp_path: Path, persistence: Persistence
) -> None:
    github = GitHub()
    github.welcome(Person(7, "ada", (Email("elsewhere@example.com"),)))
    sections = ACME | {"providers.github": section_of(github)}
    transport = github.transport()
    async with open_house(tmp_path, persistence, sections=sections, transport=transport) as house:
        bearer = await enter(house, ADA, locale="de")
        await ask(house, "/password/register", ADA, password=PASSWORD)
        body = {"email": ADA, "code": code_for(house.app, ADA), "password": PASSWORD}
        thief = house.caller()
        tokens(await thief.say("/password/register/confirm", body, **{"Accept-Language": "ja"}))
        prompt = await thief.ask("/oauth/url", bearer=bearer, provider="github")
        back = github.approve(prompt.json()["url"])
        bound = {"code": back["code"], "state": back["state"]}
        tokens(await thief.say("/oauth/bind", bound, bearer=bearer, **{"Accept-Language": "ja"}))
        told = letters_to(house, ADA)[2:]
        assert told == [("password_set", "de"), ("identity_linked", "de")]
        linked = newest(house, ADA)
        assert "mit github" in linked.text
        assert "Netzwerk: 203.0.113.0/24" in linked.text
        assert '<html lang="de">' in (linked.html or "")


async def test_a_user_who_is_made_takes_the_language_of_the_call_that_makes_her(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=IMMEDIATE) as house:
        body = {"email": ADA, "password": PASSWORD, "locale": "es"}
        tokens(await house.caller().say("/password/register", body))
        user_id = await house.app.users.find(ADA)
        user = await house.app.users.user(user_id or "")
        assert user is not None
        assert user.locale == "es"
        assert (await ask(house, "/email/code", ADA)).locale == "en", "she has not proved it"


async def test_an_owner_with_a_password_is_told_of_a_registration_as_a_stranger_is(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        await ask(house, "/password/register", ADA, password=PASSWORD, locale="ja")
        tokens(await house.caller().confirm(ADA, code_for(house.app, ADA)))
        told = await ask(house, "/password/register", ADA, "de", password=PASSWORD)
        assert (told.letter, told.locale) == ("already_registered", "de")
        other = await ask(house, "/password/register", BOB, "de", password=PASSWORD)
        assert (other.letter, other.subject) == ("code", told.subject)


async def test_over_grpc_the_metadata_asks_for_a_language(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with (
        open_house(tmp_path, persistence) as house,
        rpc_of(house.app) as place,
        grpc.aio.insecure_channel(place) as channel,
    ):
        send = channel.unary_unary(
            "/identra.v1.IdentraService/SendLoginEmailCode",
            request_serializer=v1.SendLoginEmailCodeRequest.SerializeToString,
            response_deserializer=v1.SendLoginEmailCodeResponse.FromString,
        )
        for email, said in ((ADA, "zh-CN,zh;q=0.9"), (BOB, "it")):
            request = v1.SendLoginEmailCodeRequest(email=email, use_html=True)
            await send(request, metadata=(("accept-language", said),))
        assert (
            newest(house, ADA).subject
            == letter("code", "zh_Hans", application_name="Identra").subject
        )
        assert '<html lang="zh-Hans">' in (newest(house, ADA).html or "")
        assert newest(house, BOB).locale == "en"


async def test_a_login_from_a_network_that_is_new_is_told_where_operators_want_it(
    tmp_path: Path, persistence: Persistence
) -> None:
    sections = IMMEDIATE | {"mail": {"tell_new_network": True}}
    async with open_house(tmp_path, persistence, sections=sections) as house:
        await enter(house, ADA, locale="de")
        assert letters_to(house, ADA) == [("code", "de")], "she was being made"
        for network in ("203.0.113.200", "198.51.100.7", "198.51.100.8"):
            peer = Caller(house.http, network)
            code = await _fresh_code(house, peer)
            tokens(await peer.answer(ADA, code))
        told = [one for one in letters_to(house, ADA) if one[0] == "new_network"]
        assert told == [("new_network", "de")]


async def _fresh_code(house: House, peer: Caller) -> str:
    await peer.ask_code(ADA)
    return code_for(house.app, ADA)


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_nobody_is_told_of_networks_unless_operators_want_it(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        await enter(house, ADA)
        peer = Caller(house.http, "198.51.100.7")
        tokens(await peer.answer(ADA, await _fresh_code(house, peer)))
        assert letters_to(house, ADA) == [("code", "en"), ("code", "en")]


async def test_who_loses_a_claim_is_told_at_the_address_she_proved(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Eve registered Ada's address, and has proved one of her own meanwhile."""
    github = GitHub()
    github.welcome(Person(6, "eve", (Email(EVE),)))
    sections = IMMEDIATE | {"providers.github": section_of(github)}
    transport = github.transport()
    async with open_house(tmp_path, persistence, sections=sections, transport=transport) as house:
        body = {"email": ADA, "password": PASSWORD, "locale": "fr"}
        eve = house.caller()
        bearer = access(tokens(await eve.say("/password/register", body)))
        prompt = await eve.ask("/oauth/url", bearer=bearer, provider="github")
        back = github.approve(prompt.json()["url"])
        bound = {"code": back["code"], "state": back["state"]}
        tokens(await eve.say("/oauth/bind", bound, bearer=bearer))
        await enter(house, ADA, "ja")
        assert letters_to(house, EVE) == [("identity_linked", "fr"), ("address_lost", "fr")]
        lost = newest(house, EVE)
        assert "203.0.113" not in lost.text, "where its owner is, is no business of hers"
        assert ADA not in lost.text
