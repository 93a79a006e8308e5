"""Codes over a channel that a stranger's plugin brought."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import httpx
import pytest
from homes import HERE, open_home
from installing import installed

from identra.errors import ProviderNotConfigured, ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from identra.app import App
    from identra.settings import Persistence

PROJECT = """
[project]
name = "pager"
version = "1.0"
[project.entry-points.identra]
pager = "pager"
"""
PAGER = """
from identra.plugin import CodeProvider, EmailTrust, ProviderSettings, hookimpl

class PagerSettings(ProviderSettings):
    gateway: str = ""

class Pager(CodeProvider):
    name, contract = "pager", 1
    email_trust = EmailTrust.never
    settings_model = PagerSettings
    hosts = ("pager.example",)

    def recipient(self, to):
        return to.strip()

    def missing(self):
        return None if self.settings.gateway else "missing_gateway"

    async def send(self, upstream, to, text):
        await upstream.post_form(self.settings.gateway, {"to": to, "text": text})

@hookimpl
def providers():
    return [Pager]
"""
ON = {
    "plugins": {"enabled": ["pager"]},
    "providers.pager": {"gateway": "https://pager.example/page"},
}


@dataclass
class Gateway:
    """The far side: keeps what was to be sent, or is out of order."""

    status: int = 200
    told: list[dict[str, list[str]]] = field(default_factory=list)

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def code(self) -> str:
        found = re.search(r"\b\d{6}\b", self.told[-1]["text"][0])
        assert found
        return found[0]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.status == httpx.codes.OK:
            self.told.append(parse_qs(request.content.decode()))
        return httpx.Response(self.status, json={"id": "1"})


@pytest.fixture(autouse=True)
def _plugin(tmp_path: Path) -> Iterator[None]:
    with installed(tmp_path, PROJECT, {"pager": PAGER}):
        yield


async def ask(app: App) -> None:
    await app.login.begin_code("pager", "4711", HERE, use_html=False)


async def test_a_code_that_did_not_leave_is_sent_when_asked_for_again(
    tmp_path: Path, persistence: Persistence
) -> None:
    far = Gateway(status=503)
    async with open_home(tmp_path, persistence, sections=ON, transport=far.transport()) as app:
        with pytest.raises(ProviderUnavailable):
            await ask(app)
        far.status = 200
        await ask(app)
        assert await app.login.complete_code("pager", "4711", far.code(), HERE, bearer=None)


async def test_a_channel_that_refuses_a_message_is_no_refusal_of_the_caller(
    tmp_path: Path, persistence: Persistence
) -> None:
    far = Gateway(status=400)
    async with open_home(tmp_path, persistence, sections=ON, transport=far.transport()) as app:
        with pytest.raises(ProviderUnavailable, match="400"):
            await ask(app)


async def test_a_channel_that_lacks_its_values_says_so(
    tmp_path: Path, persistence: Persistence
) -> None:
    off = ON | {"providers.pager": {}}
    async with open_home(tmp_path, persistence, sections=off) as app:
        with pytest.raises(ProviderNotConfigured, match="missing_gateway"):
            await ask(app)
