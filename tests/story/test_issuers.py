"""A provider's name stands for one place, from its first start on, until an operator says else."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from callers import access, open_house, section_of, tokens
from homes import open_home
from standin.github import Email, GitHub, Person

from identra.app import prepare
from identra.cli import run
from identra.errors import OperatorError
from identra.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from homes import Sections

    from identra.settings import Persistence

THERE = {"base_url": "https://ghe.example", "api_url": "https://ghe.example/api/v3"}
MOVED = {"base_url": "https://git.example", "api_url": "https://git.example/api/v3"}


def sections(github: GitHub, **more: str) -> Sections:
    return {"providers.ghe": section_of(github, plugin="github", **more)}


async def start(folder: Path, place: Persistence, said: Sections) -> list[dict[str, Any]]:
    """Start with these settings and end again; what is recorded then."""
    async with open_home(folder, place, sections=said) as app:
        t = app.database.tables.issuers
        return await app.database.fetch(t.select(t.name, t.issuer).order_by(t.name))


async def test_another_place_under_a_name_stops_the_start_until_it_is_rebound(
    tmp_path: Path, persistence: Persistence
) -> None:
    github = GitHub()
    recorded = [{"name": "ghe", "issuer": "https://ghe.example"}]
    assert await start(tmp_path, persistence, sections(github, **THERE)) == recorded
    assert await start(tmp_path, persistence, sections(github, **THERE)) == recorded
    with pytest.raises(OperatorError, match=r"^providers.ghe: is https://git.example now"):
        await start(tmp_path, persistence, sections(github, **MOVED))


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_the_parent_already_refuses_before_any_worker(
    tmp_path: Path, persistence: Persistence
) -> None:
    await start(tmp_path, persistence, sections(GitHub(), **THERE))
    with pytest.raises(OperatorError):
        await start(tmp_path, persistence, sections(GitHub(), **MOVED))
    for read_only in (False, True):
        with pytest.raises(OperatorError, match="identra plugins rebind ghe"):
            await prepare(load(tmp_path / "identra.toml", {}), read_only=read_only)


def test_the_command_rebinds_and_it_is_on_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    github = GitHub()

    def rebind(name: str, *more: str, **said: str) -> tuple[int, str]:
        file = tmp_path / "identra.toml"
        section = sections(github, **said)["providers.ghe"]
        lines = [f'{key} = "{value}"' for key, value in section.items()]
        stores = (
            f'[persistence]\nname = "{tmp_path}/identra.db"\n'
            f'[keys]\nmaster_key_files = ["{tmp_path}/master.key"]\n'
        )
        file.write_text("\n".join([stores, "[providers.ghe]", *lines]))
        code = run(["plugins", "rebind", name, *more, "--config", str(file)])
        told = capsys.readouterr()
        return code, told.out or told.err

    assert rebind("ghe", **THERE) == (0, "ghe stands for https://ghe.example, as it did\n")
    code, told = rebind("ghe", "--json", **MOVED)
    assert code == 0
    assert json.loads(told) == {
        "provider": "ghe",
        "issuer": "https://git.example",
        "former": "https://ghe.example",
        "identities": 0,
    }
    assert rebind("ghe", **MOVED) == (0, "ghe stands for https://git.example, as it did\n")
    code, told = rebind("ghe", **THERE)
    assert told.splitlines() == [
        "ghe stands for https://ghe.example now, no longer for https://git.example",
        "identities that are taken for people of the new place: 0",
    ]
    code, told = rebind("gitea", **THERE)
    assert (code, told.count("\n")) == (1, 1)
    with sqlite3.connect(tmp_path / "identra.db") as db:
        events = db.execute("SELECT name, data FROM identra_events ORDER BY id").fetchall()
    rebound = [json.loads(data) for name, data in events if name == "provider.rebound"]
    assert rebound == [
        {"provider": "ghe", "issuer": "https://git.example"},
        {"provider": "ghe", "issuer": "https://ghe.example"},
    ]


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_a_provider_that_can_not_serve_records_nothing(
    tmp_path: Path, persistence: Persistence
) -> None:
    """A sample of a section does not decide what the name stands for."""
    said = sections(GitHub(client_id="your-client-id"), **THERE)
    assert await start(tmp_path, persistence, said) == []


async def test_two_instances_of_one_plugin_are_on_at_once_and_apart(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Seven at GitHub and seven at the Enterprise Server are two persons."""
    here, there = GitHub(), GitHub(client_id="Iv1.fedcba9876543210")
    here.welcome(Person(7, "ada", (Email("ada@example.com"),)))
    there.welcome(Person(7, "bob", (Email("bob@example.com"),)))
    said = {
        "providers.github": section_of(here),
        "providers.ghe": section_of(there, plugin="github", **THERE),
    }

    async def far(request: httpx.Request) -> httpx.Response:
        place = there if request.url.host == "ghe.example" else here
        return await place.transport().handle_async_request(request)

    opened = open_house(tmp_path, persistence, sections=said, transport=httpx.MockTransport(far))
    async with opened as house:
        listed = (await house.caller().ask("/oauth/providers")).json()["providers"]
        assert listed == [{"name": "ghe", "enabled": True}, {"name": "github", "enabled": True}]
        people = {}
        for name, place in (("github", here), ("ghe", there)):
            prompt = await house.caller().ask("/oauth/url", provider=name)
            back = place.approve(prompt.json()["url"])
            answer = await house.caller().say("/oauth/login", back)
            info = (await house.caller().info(access(tokens(answer)))).json()
            assert info["oauth_connections"] == [{"provider": name, "provider_user_id": "7"}]
            people[name] = (info["user_id"], info["email"], info.get("github_id"))
        assert people["github"][0] != people["ghe"][0]
        assert [one[1] for one in people.values()] == ["ada@example.com", "bob@example.com"]
        assert [one[2] for one in people.values()] == ["7", None]
