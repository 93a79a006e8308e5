"""Places that settings alone name: what they may say, and what an answer of theirs is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from callers import open_house, reason, section_of, tokens
from standin.faults import Instead
from standin.github import Email, GitHub, Person

from identra.loader import PluginError, load
from identra.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence

ADA = Person(7, "ada", (), email="ada@example.com")
OPENID = {
    "plugin": "oidc",
    "issuer": "https://id.example",
    "email_trust": "claim",
    "client_id": "app-1",
    "client_secret": "9f2c4e6a8b0d1f3e5c7a",
    "redirect_url": "https://app.example.com/callback",
}
OAUTH2 = {
    "plugin": "oauth2",
    "authorize_url": "https://github.com/login/oauth/authorize",
    "token_url": "https://github.com/login/oauth/access_token",
    "userinfo_url": "https://api.github.com/user",
    "subject": "id",
    "username": "login",
    "avatar_url": "avatar_url",
    "email_trust": "never",
}
NAMES = (
    *("email", "mail", "Email", "user.e_mail", "login", "username", "user_name", "name"),
    *("preferred_username", "nickname", "profile.handle", "display_name", "upn", "", "user."),
)


@pytest.mark.parametrize("subject", NAMES)
def test_a_subject_is_never_read_from_an_address_a_login_or_a_name(subject: str) -> None:
    with pytest.raises(SettingsError, match="subject is a stable id"):
        load((), {"forge": OAUTH2 | {"subject": subject}})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"email_trust": "always"}, "email_trust"),
        ({"email_trust": "claim"}, "needs email and email_verified"),
        ({"email_trust": "claim", "email": "email"}, "needs email and email_verified"),
        ({"email_trust": None}, "email_trust"),
        ({"client_auth": "none"}, "client_auth"),
        ({"state": False}, "unknown key"),
        ({"pkce": False}, "unknown key"),
        ({"token_url": "http://github.com/token"}, "neither https nor http on this machine"),
        ({"authorize_url": "http://github.com/"}, "neither https nor http on this machine"),
        ({"userinfo_url": "/user"}, "a host is empty"),
    ],
)
def test_what_no_place_may_say_stops_the_start(said: dict[str, Any], why: str) -> None:
    section = {key: value for key, value in (OAUTH2 | said).items() if value is not None}
    with pytest.raises((SettingsError, PluginError), match=why):
        load((), {"forge": section})


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"email_trust": "always"}, "email_trust"),
        ({"email_trust": "per_address"}, "email_trust"),
        ({"email_trust": None}, "email_trust"),
        ({"issuer": "http://id.example"}, "neither https nor http on this machine"),
        ({"issuer": "https://id.example?tenant=1"}, "is no issuer"),
        ({"issuer": "https://id.example#x"}, "is no endpoint"),
        ({"issuer": "https://me@id.example"}, "is no endpoint"),
        ({"scopes": ["profile"]}, "lack openid"),
        ({"nonce": False}, "unknown key"),
    ],
)
def test_what_no_openid_place_may_say_stops_the_start(said: dict[str, Any], why: str) -> None:
    section = {key: value for key, value in (OPENID | said).items() if value is not None}
    with pytest.raises((SettingsError, PluginError), match=why):
        load((), {"corp": section})


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_an_answer_is_read_where_the_settings_say(
    tmp_path: Path, persistence: Persistence
) -> None:
    """GitHub without its plugin: the same person, and her public address is worth nothing."""
    github = GitHub()
    github.welcome(ADA)
    sections = {"providers.forge": section_of(github, **OAUTH2, email="email")}
    opened = open_house(tmp_path, persistence, sections=sections, transport=github.transport())
    async with opened as house:

        async def sign_in() -> Any:
            prompt = await house.caller().ask("/oauth/url", provider="forge")
            back = github.approve(prompt.json()["url"])
            return await house.caller().say("/oauth/login", back)

        answer = await sign_in()
        tokens(answer)
        told = answer.json()
        assert (told["username"], told["email"]) == ("ada", "")
        bodies = (
            b'{"login": "ada"}',
            b'{"id": null}',
            b'{"id": true}',
            b'{"id": 0}',
            b'{"id": -7}',
            b'{"id": 7.5}',
            b'{"id": [7]}',
            b'{"id": {"id": 7}}',
            b'{"id": "ada", "login": "ada"}',
            b'{"id": "ada@example.com", "email": "ada@example.com"}',
            b'{"id": ""}',
            b"[7]",
            b"7",
        )
        for body in bodies:
            github.faults["/user"] = Instead(body=body)
            assert reason(await sign_in()) == "PROVIDER_UNAVAILABLE", body
        assert await house.rows("users") == {"users": 1}


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_an_address_counts_if_the_place_is_trusted_and_says_true(
    tmp_path: Path, persistence: Persistence
) -> None:
    github = GitHub()
    github.welcome(Person(7, "ada", (Email("ada@example.com"),)))
    trusted = {"email_trust": "claim", "email": "email", "email_verified": "more.verified"}
    sections = {"providers.forge": section_of(github, **OAUTH2 | trusted)}
    opened = open_house(tmp_path, persistence, sections=sections, transport=github.transport())
    async with opened as house:
        for number, (verified, email) in enumerate(
            [("true", "ada@example.com"), ('"true"', ""), ("1", ""), ("null", ""), ("[]", "")], 1
        ):
            body = f'{{"id":{number},"email":"ada@example.com","more":{{"verified":{verified}}}}}'
            github.faults["/user"] = Instead(body=body.encode())
            prompt = await house.caller().ask("/oauth/url", provider="forge")
            back = github.approve(prompt.json()["url"])
            answer = await house.caller().say("/oauth/login", back)
            assert answer.json()["email"] == email, verified
