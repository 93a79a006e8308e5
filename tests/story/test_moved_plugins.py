"""A plugin of others whose place moved is off until it is rebound, and the service goes on."""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from installing import installed
from running import PATIENCE, door, write_settings

from identra import app
from identra.cli import run
from identra.errors import OperatorError
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROJECT = """
[project]
name = "identra-acme"
version = "1.0"
[project.entry-points.identra]
acme = "identra_acme"
"""
SOURCE = """
from pathlib import Path
from identra.plugin import *
from identra.plugin import hookimpl

class Where(OAuth2Settings):
    at: str = ""
    key_at: str = "/"

class Acme(OAuth2Provider):
    name, contract = "acme", 1
    email_trust = EmailTrust.never
    settings_model = Where

    def __init__(self, settings):
        super().__init__(settings)
        at = settings.at
        self.authorize_url, self.token_url = f"https://{at}/authorize", f"https://{at}/token"
        self.hosts = (at,)

    def missing(self):
        return super().missing() or (None if Path(self.settings.key_at).exists() else "missing_key")

    @property
    def issuer(self):
        if self.settings.at == "mute.example":
            raise RuntimeError(self.settings.client_secret.get_secret_value())
        return 7 if self.settings.at == "seven.example" else super().issuer

@hookimpl
def providers():
    return [Acme]
"""
SECTION = """
[plugins]
enabled = ["acme"]
required = {required}
[providers.acme]
at = "{at}"
client_id = "4f9d2c71"
client_secret = "9f2c4e6a8b0d1f3e"
redirect_url = "https://app.example.com/callback"
"""


def extra(at: str, *required: str) -> str:
    return SECTION.format(at=at, required=list(required))


@pytest.fixture(autouse=True)
def _acme(tmp_path: Path) -> Iterator[None]:
    with installed(tmp_path, PROJECT, {"identra_acme": SOURCE}):
        yield


async def start(folder: Path, at: str, *required: str, read_only: bool = False) -> None:
    """What the parent does before it starts any worker."""
    loaded = load(write_settings(folder, extra(at, *required)), {})
    await app.prepare(loaded, read_only=read_only)


@contextmanager
def database(folder: Path) -> Iterator[sqlite3.Connection]:
    with sqlite3.connect(folder / "identra.db") as db:
        yield db
    db.close()


def recorded(folder: Path) -> list[tuple[str, str]]:
    with database(folder) as db:
        return db.execute("SELECT name, issuer FROM identra_issuers").fetchall()


def failures(folder: Path) -> list[dict[str, Any]]:
    with database(folder) as db:
        asked = "SELECT data FROM identra_events WHERE name = 'plugin.failed'"
        return [json.loads(data) for (data,) in db.execute(asked)]


async def test_it_is_left_out_by_name_while_others_sign_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await start(tmp_path, "acme.example")
    assert recorded(tmp_path) == [("acme", "https://acme.example")]
    opened = door(tmp_path, extra=extra("evil.example"))
    async with opened as (_, url), httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
        answer = await client.get("/oauth/url", params={"provider": "acme"})
        assert answer.json()["reason"] == "UNKNOWN_PROVIDER"
        listed = (await client.get("/oauth/providers")).json()["providers"]
        assert "acme" not in [one["name"] for one in listed]
        said = {"email": "ada@example.com", "password": "correct horse battery"}
        assert (await client.post("/password/register", json=said)).status_code == 200
    says = "providers.acme: is https://evil.example now and was https://acme.example"
    told = "".join(capsys.readouterr())
    assert "plugin left out" in told
    assert says in told
    (event,) = failures(tmp_path)
    assert (event["plugin"], event["call"]) == ("acme", "start")
    assert event["cause"].startswith(says)
    assert recorded(tmp_path) == [("acme", "https://acme.example")]


async def test_one_that_lacked_something_at_the_start_serves_after_the_next_alone(
    tmp_path: Path,
) -> None:
    """By then what its name stands for is looked at, as it was not yet."""
    await start(tmp_path, "acme.example")
    key = tmp_path / "key"
    opened = door(tmp_path, extra=f'{extra("evil.example")}key_at = "{key}"\n')
    async with opened as (_, url), httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
        for _ in range(2):
            answer = await client.get("/oauth/url", params={"provider": "acme"})
            assert answer.json()["reason"] == "PROVIDER_NOT_CONFIGURED"
            listed = (await client.get("/oauth/providers")).json()["providers"]
            assert {"name": "acme", "enabled": False, "reason": "missing_key"} in listed
            key.touch()


async def test_it_stops_the_start_if_it_is_required(tmp_path: Path) -> None:
    await start(tmp_path, "acme.example")
    for read_only in (False, True):
        with pytest.raises(OperatorError, match="identra plugins rebind acme"):
            await start(tmp_path, "evil.example", "acme", read_only=read_only)


@pytest.mark.parametrize(
    ("at", "says"), [("mute.example", "RuntimeError"), ("seven.example", "its issuer is no URL")]
)
async def test_one_that_can_not_say_where_it_is_is_left_out_too(
    tmp_path: Path, at: str, says: str
) -> None:
    await start(tmp_path, at)
    (event,) = failures(tmp_path)
    assert event["cause"].startswith("providers.acme: ")
    assert says in event["cause"]
    assert "9f2c4e6a8b0d1f3e" not in str(event)
    assert recorded(tmp_path) == []
    with pytest.raises(OperatorError, match=says):
        await start(tmp_path, at, "acme")


def test_the_list_says_so_until_it_is_rebound(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def state(at: str, *required: str) -> str:
        file = write_settings(tmp_path, extra(at, *required))
        assert run(["plugins", "list", "--json", "--config", str(file)]) == 0
        listed = json.loads(capsys.readouterr().out)["plugins"]
        return next(str(row["state"]) for row in listed if row["name"] == "acme")

    def rebind(at: str) -> None:
        file = write_settings(tmp_path, extra(at))
        assert run(["plugins", "rebind", "acme", "--config", str(file)]) == 0
        capsys.readouterr()

    assert state("acme.example") == "on"
    assert not (tmp_path / "identra.db").exists()
    rebind("acme.example")
    assert state("acme.example") == "on"
    assert state("evil.example").startswith("left out: providers.acme: is https://evil.example")
    assert state("evil.example", "acme").startswith("stops the start: providers.acme: is")
    assert recorded(tmp_path) == [("acme", "https://acme.example")]
    rebind("evil.example")
    assert state("evil.example") == "on"
