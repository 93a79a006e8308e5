"""A mail with a code and a link that brings it: to the application's page, or to Identra's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from callers import access, open_house, reason, tokens
from homes import code_for, write_settings
from plugged import plugin
from running import rpc_of

from identra.cli import run
from identra.errors import OperatorError
from identra.grpc.identra.v1 import identra_pb2 as v1
from identra.loader import PluginError, load
from identra.plugin import CodeProvider, EmailTrust

if TYPE_CHECKING:
    from pathlib import Path

    from callers import House

    from identra.settings import Persistence

ADA = "ada@example.com"
PAGE = "https://app.example.com/sign-in/link"
OURS: dict[str, dict[str, Any]] = {"providers.magic_link": {}}
THEIRS: dict[str, dict[str, Any]] = {"providers.magic_link": {"page": PAGE}}

pytestmark = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


async def mailed(house: House, **more: Any) -> tuple[str, str]:
    """The text and the HTML of the mail that somebody asks for."""
    answer = await house.caller().say("/magic_link/code", {"email": ADA, **more})
    assert answer.json() == {}
    assert house.app.outbox is not None
    letter = house.app.outbox.messages[-1]
    assert letter.to == ADA
    return letter.text, letter.html or ""


def links(text: str) -> list[str]:
    return re.findall(r"https?://[^\s\"<]+", text)


async def test_one_mail_has_a_code_and_a_link_that_brings_it_to_the_applications_page(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=THEIRS) as house:
        text, html = await mailed(house, use_html=True)
        code = code_for(house.app, ADA)
        assert links(text) == links(html) == [f"{PAGE}#code={code}"]
        assert f"Your code is {code}\n" in text
        body = {"email": ADA, "code": code}
        pair = tokens(await house.caller().say("/magic_link/login", body))
        info = (await house.caller().info(access(pair))).json()
        assert (info["email"], info["email_verified"]) == (ADA, True)
        assert info["oauth_connections"] == []
        assert await house.rows("users", "identities") == {"users": 1, "identities": 0}


async def test_without_a_page_of_the_applications_the_link_leads_to_one_that_shows_the_code(
    tmp_path: Path, persistence: Persistence
) -> None:
    sections = OURS | {"mail": {"application_name": "Tom & <b>Jerry</b>"}}
    async with open_house(tmp_path, persistence, sections=sections) as house:
        text, _ = await mailed(house)
        (link,) = links(text)
        public = house.app.settings.public_url
        assert link == f"{public}/magic_link/link#code={code_for(house.app, ADA)}"
        shown = await house.caller().ask(link.removeprefix(public).partition("#")[0])
        assert (shown.status_code, shown.headers["content-type"]) == (
            200,
            "text/html; charset=utf-8",
        )
        assert "<h1>Signing in to Tom &amp; &lt;b&gt;Jerry&lt;/b&gt;</h1>" in shown.text
        assert (await house.caller().ask("/api/magic_link/link")).text == shown.text


async def test_with_a_page_of_its_own_an_application_has_none_of_identras(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=THEIRS) as house:
        assert reason(await house.caller().ask("/magic_link/link")) == "NOT_FOUND"


async def test_each_application_has_its_page(tmp_path: Path, persistence: Persistence) -> None:
    desk = {"plugin": "magic_link", "page": "https://desk.example.com/in?from=mail"}
    sections = THEIRS | {"providers.desk": desk}
    async with open_house(tmp_path, persistence, sections=sections) as house:
        assert (await house.caller().say("/desk/code", {"email": ADA})).json() == {}
        assert house.app.outbox is not None
        (link,) = links(house.app.outbox.messages[-1].text)
        assert link == f"{desk['page']}#code={code_for(house.app, ADA)}"


async def test_codes_by_mail_alone_and_to_register_carry_no_link(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=OURS) as house:
        await house.caller().ask_code(ADA)
        await house.caller().register("eve@example.com")
        assert house.app.outbox is not None
        letters = house.app.outbox.messages
        assert len(letters) == 2
        assert not any(links(letter.text) for letter in letters)


async def test_over_grpc_the_provider_named_email_mails_links_if_it_is_made_of_this_plugin(
    tmp_path: Path, persistence: Persistence
) -> None:
    sections = {"providers.email": {"plugin": "magic_link", "page": PAGE}}
    async with (
        open_house(tmp_path, persistence, sections=sections) as house,
        rpc_of(house.app) as place,
        grpc.aio.insecure_channel(place) as channel,
    ):
        service = "/identra.v1.IdentraService"
        send = channel.unary_unary(
            f"{service}/SendLoginEmailCode",
            request_serializer=v1.SendLoginEmailCodeRequest.SerializeToString,
            response_deserializer=v1.SendLoginEmailCodeResponse.FromString,
        )
        log_in = channel.unary_unary(
            f"{service}/LoginByEmailCode",
            request_serializer=v1.LoginByEmailCodeRequest.SerializeToString,
            response_deserializer=v1.LoginByEmailCodeResponse.FromString,
        )
        await send(v1.SendLoginEmailCodeRequest(email=ADA))
        assert house.app.outbox is not None
        (link,) = links(house.app.outbox.messages[-1].text)
        code = link.removeprefix(f"{PAGE}#code=")
        answer = await log_in(v1.LoginByEmailCodeRequest(email=ADA, code=code))
        info = (await house.caller().info(answer.token.access_token.token)).json()
        assert (info["email"], info["email_verified"]) == (ADA, True)


@pytest.mark.parametrize(
    "page",
    [
        "http://app.example.com/in",
        "//app.example.com/in",
        "/in",
        "javascript:alert(1)",
        "com.example.app:/in",
        "https://app.example.com/in#",
        "https://app.example.com/#/in",
        "https://somebody@app.example.com/in",
        "https://app.example.com/a b",
        "https:///in",
    ],
)
async def test_a_page_that_no_link_may_lead_to_stops_the_start(
    tmp_path: Path, persistence: Persistence, page: str
) -> None:
    del tmp_path, persistence
    with pytest.raises(PluginError, match=r"providers\.magic_link"):
        load((), {"magic_link": {"page": page}})


async def test_a_page_by_plain_http_is_for_development_alone(
    tmp_path: Path, persistence: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    near = {"providers.magic_link": {"page": "http://localhost:3000/link"}}
    file = write_settings(tmp_path, persistence, sections=near)
    assert run(["config", "check", "--config", str(file)]) == 0
    warned = capsys.readouterr().err
    assert warned == "warning: providers.magic_link: a page by plain http is for --dev alone\n"
    with pytest.raises(OperatorError, match=r"providers\.magic_link: .*--dev alone"):
        async with open_house(tmp_path, persistence, sections=near):
            pass


async def test_a_link_is_the_cores_to_mail_and_no_channels(
    tmp_path: Path, persistence: Persistence
) -> None:
    del tmp_path, persistence

    class Pager(CodeProvider):
        name, contract = "pager", 1
        email_trust = EmailTrust.never
        with_link = True

    def providers() -> list[type[CodeProvider]]:
        return [Pager]

    (failure,) = load(("pager",), {}, given={"pager": plugin("pager", providers)}).failures
    assert failure.says == "plugin pager: only what is mailed by the core has a link"
