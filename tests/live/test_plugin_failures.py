"""A plugin that fails is counted each time, told once a minute, and nobody else notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import running
import scraping
from installing import installed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PROJECT = """
[project]
name = "identra-sad"
version = "1.0"
[project.entry-points.identra]
sad = "identra_sad"
gone = "identra_gone"
"""
SOURCE = """
from identra.plugin import *
from identra.plugin import hookimpl

class Sad(OAuth2Provider):
    name, contract = "sad", 1
    email_trust = EmailTrust.never
    authorize_url, token_url = "https://sad.example/a", "https://sad.example/t"
    hosts = ("sad.example",)
    on = False

    def missing(self):
        self.on = True

    @property
    def authorize_parameters(self):
        return 1 / 0 if self.on else {}

@hookimpl
def providers():
    return [Sad]

@hookimpl
async def check_password(choice):
    raise RuntimeError(choice.secret)
"""
SETTINGS = """
[plugins]
enabled = ["sad", "gone"]
[password]
registration = "immediate"
[metrics]
port = 0
[providers.sad]
client_id = "4f9d2c71"
client_secret = "9f2c4e6a8b0d1f3e"
redirect_url = "https://app.example.com/callback"
"""
NAME = "identra_plugin_failures_total"
PASSWORD = "correct horse battery"


def test_failures_are_counted_by_plugin_and_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    modules = {"identra_sad": SOURCE, "identra_gone": "import nothing_of_that_name\n"}
    with (
        installed(tmp_path, PROJECT, modules),
        running.identra(tmp_path, "--workers", "2", extra=SETTINGS) as service,
        httpx.Client(base_url=service.url, timeout=running.PATIENCE) as client,
    ):
        url = scraping.address_of(service)
        for name in ("ada", "bob", "eve"):
            said = {"email": f"{name}@example.com", "password": PASSWORD}
            answer = client.post("/password/register", json=said)
            assert answer.status_code == 200, answer.text
        answer = client.get("/oauth/url", params={"provider": "sad"})
        assert (answer.status_code, answer.json()["reason"]) == (503, "PROVIDER_UNAVAILABLE")
        scraped = scraping.scrape(url)
        assert scraped[NAME, "call=check_password", "plugin=sad"] == 3
        assert scraped[NAME, "call=departure", "plugin=sad"] == 1
        assert scraped["identra_plugins_left_out",] == 1
        log = service.log.read_text()
    assert log.count('"plugin failed"') in range(2, 4)  # once a minute by each worker
    assert PASSWORD not in log
    assert log.count('"plugin left out"') == 1
