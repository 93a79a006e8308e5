"""The plugins on the pages for their authors, installed as they stand, let somebody in."""

from __future__ import annotations

import dataclasses
import inspect
import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import handbook
import httpx
import pytest
import spoken
import test_tutorial
from homes import PASSWORD
from installing import installed
from running import door
from standin.acme import Acme
from standin.openid import OpenId

from identra import asked, hookspecs, plugin, testing
from identra.loader import KINDS
from identra.providers.base import OLDEST, Provider
from identra.providers.oidc import OIDCProvider
from identra.providers.redirecting import RedirectingProvider
from identra.values import EmailTrust

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CONTRACT = "docs/extend/contract.md"
TITLES: dict[type, str] = {
    Provider: "What every provider declares",
    RedirectingProvider: "What OAuth 2.0 and OpenID Connect places share",
}
SECRET = "a secret of this test"
VOUCHED = {"email": "ada@example.com", "email_verified": True}
ADA = {"email": "ada@example.com", "verified": True, "primary": True}
PERSON = {"id": "u-7", "handle": "ada", "picture": "https://acme.example/7.png", "emails": [ADA]}


@dataclass(frozen=True)
class Page:
    """A page that shows a plugin: its module, its pyproject.toml, its settings."""

    module: str
    source: str
    project: str
    settings: handbook.Fence


def page_of(name: str) -> Page:
    fences = [
        fence for fence in handbook.fences("docs/extend") if fence.page.endswith(f"/{name}.md")
    ]
    (source,) = (fence.text for fence in fences if fence.language == "python")
    (project,) = (fence.text for fence in fences if handbook.is_project(fence))
    (settings,) = (f for f in fences if f.language == "toml" and not handbook.is_project(f))
    named = re.match(r"# (\w+)\.py\n", source)
    assert named
    return Page(named[1], source, project, settings)


@asynccontextmanager
async def house_with(name: str, folder: Path) -> AsyncIterator[tuple[Acme, httpx.AsyncClient]]:
    """A service with the plugin of a page, and the place that it reaches."""
    page = page_of(name)
    acme = Acme("4f9d2c71", SECRET, SECRET, PERSON)
    settings = handbook.written(page.settings, folder).read_text()
    with installed(folder, page.project, {page.module: page.source}):
        async with door(folder, extra=settings, transport=acme.transport()) as (_, url):
            async with httpx.AsyncClient() as plain:
                said = (await plain.get(f"{url}/openapi.json")).json()
            async with spoken.async_client(url, said) as client:
                yield acme, client


async def who(client: httpx.AsyncClient, answer: httpx.Response) -> dict[str, Any]:
    """Whom an answer's tokens are for."""
    assert answer.status_code == 200, answer.text
    token = answer.json()["token"]["access_token"]["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    found: dict[str, Any] = (await client.post("/me/login-info", headers=bearer)).json()
    return found


async def test_a_person_signs_in_at_the_oauth2_place_of_the_page(tmp_path: Path) -> None:
    async with house_with("oauth2", tmp_path) as (acme, client):
        listed = (await client.get("/oauth/providers")).json()["providers"]
        assert {"name": "acme", "enabled": True} in listed
        prompt = (await client.get("/oauth/url", params={"provider": "acme"})).json()
        back = acme.approve(prompt["url"])
        answer = await client.post("/oauth/login", json=back)
        assert answer.json()["email"] == "ada@example.com"
        found = await who(client, answer)
        assert found["oauth_connections"] == [{"provider": "acme", "provider_user_id": "u-7"}]
        assert found["email_verified"]
        again = await client.post("/oauth/login", json=back)
        assert again.json()["reason"] == "INVALID_STATE"


async def test_a_person_signs_in_at_the_openid_place_of_the_page(tmp_path: Path) -> None:
    page = page_of("oidc")
    assert len(page.source.splitlines()) < 20
    with installed(tmp_path, page.project, {page.module: page.source}):
        await sign_in("acme_id", page.settings, "https://id.acme.example", tmp_path)


async def test_a_person_signs_in_at_the_openid_place_of_the_settings_alone(tmp_path: Path) -> None:
    (said, _) = declared()
    assert 7 <= len(said.text.splitlines()) <= 15
    await sign_in("corp", said, "https://id.corp.example", tmp_path)


async def sign_in(name: str, said: handbook.Fence, issuer: str, folder: Path) -> None:
    """Let somebody in by these settings at the OpenID place of this issuer."""
    settings = handbook.written(said, folder).read_text()
    callback = "https://app.example.com/callback"
    openid = OpenId(issuer, "4f9d2c71", SECRET, callback, person={"sub": "u-7", **VOUCHED})
    async with (
        door(folder, extra=settings, transport=openid.transport()) as (_, url),
        httpx.AsyncClient(base_url=url) as client,
    ):
        prompt = (await client.get("/oauth/url", params={"provider": name})).json()
        answer = await client.post("/oauth/login", json=openid.approve(prompt["url"]))
        found = await who(client, answer)
        assert found["oauth_connections"] == [{"provider": name, "provider_user_id": "u-7"}]
        assert (found["email"], found["email_verified"]) == ("ada@example.com", True)


async def test_a_person_signs_in_at_the_oauth2_place_of_the_settings_alone(tmp_path: Path) -> None:
    (_, said) = declared()
    assert 10 <= len(said.text.splitlines()) <= 15
    told = {
        "account": {"id": 7, "handle": "ada"},
        "email": {"address": "ada@example.com", "confirmed": True},
    }
    acme = Acme("8e1b77c0", SECRET, SECRET, told, home="forge.example")
    settings = handbook.written(said, tmp_path).read_text()
    async with (
        door(tmp_path, extra=settings, transport=acme.transport()) as (_, url),
        httpx.AsyncClient(base_url=url) as client,
    ):
        prompt = (await client.get("/oauth/url", params={"provider": "forge"})).json()
        answer = await client.post("/oauth/login", json=acme.approve(prompt["url"]))
        assert answer.json()["username"] == "ada"
        found = await who(client, answer)
        assert found["oauth_connections"] == [{"provider": "forge", "provider_user_id": "7"}]
        assert (found["email"], found["email_verified"]) == ("ada@example.com", True)


def declared() -> list[handbook.Fence]:
    """The two places that the page names by settings alone."""
    fences = handbook.fences("docs/extend")
    return [one for one in fences if one.page.endswith("/declarative.md")]


async def test_a_number_signs_in_by_the_channel_of_the_page_however_it_is_typed(
    tmp_path: Path,
) -> None:
    async with house_with("code-channel", tmp_path) as (acme, client):
        users = set()
        for to in ("+49 170 1234567", "+49 (170) 123-4567"):
            assert (await client.post("/sms/code", json={"to": to})).json() == {}
            assert acme.messages[-1]["to"] == "+491701234567"
            body = {"to": to, "code": acme.code()}
            users.add((await who(client, await client.post("/sms/login", json=body)))["user_id"])
        assert len(users) == 1
        refused = (await client.post("/sms/code", json={"to": "110"})).json()
        assert (refused["reason"], refused["details"][0]["field"]) == ("INVALID_ARGUMENT", "to")


async def test_a_secret_is_accepted_by_the_rule_of_the_page(tmp_path: Path) -> None:
    async with house_with("secret", tmp_path) as (_, client):
        body = {"email": "ada@example.com", "password": "three words only"}
        refused = (await client.post("/passphrase/register", json=body)).json()
        assert refused["details"] == [{"field": "password", "message": "has at least four words"}]
        body["password"] = PASSWORD
        await client.post("/passphrase/register", json=body)
        assert await who(client, await client.post("/passphrase/login", json=body))


def test_an_oauth2_place_takes_under_forty_lines() -> None:
    assert len(page_of("oauth2").source.splitlines()) < 40


def test_every_module_on_these_pages_is_one_that_is_tried_here() -> None:
    everywhere = handbook.fences("docs/operate", "docs/extend", "docs/reference")
    shown = [fence for fence in everywhere if fence.language == "python"]
    tried = {page_of(name).source for name in ("oidc", "oauth2", "code-channel", "secret")}
    tried |= set(test_tutorial.files().values())
    assert {fence.text for fence in shown} == tried


def test_every_hook_has_its_section_and_no_other() -> None:
    hooks = {name for name, held in vars(hookspecs).items() if hasattr(held, "identra_spec")}
    section = handbook.read(CONTRACT).partition("\n## Hooks\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^### `(\w+)`$", section, re.MULTILINE)) == hooks


def test_every_name_that_a_plugin_may_import_is_explained() -> None:
    rows = handbook.rows(handbook.read(CONTRACT), "name")
    assert {handbook.coded(row[0])[0] for row in rows} == set(plugin.__all__)
    assert f"contract: {plugin.CONTRACT}." in handbook.read(CONTRACT)


def public(kind: type) -> set[str]:
    """What a class shows by itself: its methods, and the attributes that it declares."""
    held = {*vars(kind), *inspect.get_annotations(kind)}
    return {name for name in held if not name.startswith("_")}


@pytest.mark.parametrize("kind", [Provider, RedirectingProvider, *KINDS])
def test_every_attribute_of_a_kind_is_explained(kind: type[Provider]) -> None:
    title = TITLES.get(kind, kind.__name__)
    rows = handbook.rows(handbook.sections(CONTRACT, 2)[title], "attribute")
    told = {handbook.coded(row[0])[0] for row in rows}
    above = [each for each in kind.__mro__[1:] if issubclass(each, Provider)]
    inherited = {name for each in above for name in public(each)}
    made = {"settings"} if kind is Provider else set()
    again = {"issuer"} if kind is OIDCProvider else set()
    assert told == (public(kind) | made) - inherited - ({"settings"} - made) | again


def test_every_trust_is_explained() -> None:
    rows = handbook.rows(handbook.read(CONTRACT), "email_trust")
    assert {handbook.coded(row[0])[0] for row in rows} == {trust.value for trust in EmailTrust}


RULES = {
    "OAuth 2.0 places": testing.OAuth2Conformance,
    "OpenID Connect places": testing.OIDCConformance,
    "Channels": testing.CodeConformance,
    "Codes by mail": testing.MailConformance,
    "Kinds of secret": testing.SecretConformance,
    "Hooks": testing.HooksConformance,
}


@pytest.mark.parametrize("title", RULES)
def test_every_rule_of_the_kit_is_explained(title: str) -> None:
    """Those of OpenID Connect places come on top of those above."""
    above = ["OAuth 2.0 places"] if title == "OpenID Connect places" else []
    sections = handbook.sections("docs/extend/conformance.md", 2)
    rows = [row for each in (*above, title) for row in handbook.rows(sections[each], "rule")]
    assert [handbook.coded(row[0])[0] for row in rows] == [one.name for one in RULES[title].rules]
    rows = handbook.rows(handbook.read("docs/extend/conformance.md"), "class")
    told = {handbook.coded(row[0])[0] for row in rows}
    assert told == {made.__name__ for made in RULES.values()}


def test_every_field_of_what_hooks_are_told_is_explained() -> None:
    section = handbook.sections(CONTRACT, 3)["What hooks are told"]
    told = {
        handbook.coded(row[0])[0]: set(handbook.coded(row[1])) - {"code", "notice"}
        for row in handbook.rows(section, "value")
    }
    values = {name: held for name, held in vars(asked).items() if dataclasses.is_dataclass(held)}
    shown = {
        name: {one.name for one in dataclasses.fields(made)}
        | {key for key, held in vars(made).items() if isinstance(held, property)}
        for name, made in values.items()
    }
    assert told == shown


def test_the_signatures_of_hooks_are_those_of_the_code() -> None:
    for name, section in handbook.sections(CONTRACT, 3).items():
        hook = getattr(hookspecs, name, None)
        if hook is None:
            continue
        takes = ", ".join(inspect.signature(hook).parameters)
        start = "async def" if inspect.iscoroutinefunction(hook) else "def"
        assert f"`{start} {name}({takes}) -> " in section


def test_the_contracts_that_are_supported_are_told() -> None:
    assert (OLDEST, plugin.CONTRACT) == (1, 1)
    assert "; 1 is supported." in handbook.read(CONTRACT)
