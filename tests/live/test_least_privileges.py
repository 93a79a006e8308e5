"""The service lives on an account that may only read and write rows; somebody else makes tables."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import handbook
import httpx
import pytest
import running
import servers
from homes import PASSWORD, write_settings
from nextrelease import NEXT, upgrade
from pydantic import SecretStr

from identra.cli import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from identra.settings import Persistence

PAGE = "docs/operate/upgrading.md"
GRANTS = dict(
    zip(
        ("postgres", "mysql"),
        [fence.text for fence in handbook.fences("docs/operate") if fence.language == "sql"],
        strict=True,
    )
)
UNDO = {
    "postgres": ["DROP OWNED BY {0}", "DROP ROLE {0}"],
    "mysql": ["DROP USER {0}"],
}
SECTIONS: dict[str, dict[str, Any]] = {
    "": {"http_port": 0},
    "password": {"registration": "immediate"},
}


@pytest.fixture
def limited(empty: Persistence) -> Iterator[Persistence]:
    """The database of a migrating account, as the account of the page sees it."""
    name, secret = f"identra_{uuid4().hex[:8]}", uuid4().hex
    said = GRANTS[empty.driver].replace("identra_service", name).replace("change me", secret)
    said = said.replace("ON identra.*", f"ON {empty.name}.*")
    try:
        for statement in filter(str.strip, said.split(";")):
            asyncio.run(servers.tell(empty, statement))
        yield empty.model_copy(update={"user": name, "password": SecretStr(secret)})
    finally:
        for undoing in UNDO[empty.driver]:
            asyncio.run(servers.tell(empty, undoing.format(name)))


@pytest.mark.parametrize("empty", ["postgres", "mysql"], indirect=True)
def test_it_starts_and_signs_in_on_the_account_of_the_page(
    tmp_path: Path, empty: Persistence, limited: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_settings(tmp_path, limited, sections=SECTIONS)
    assert run(["migrate", "--config", str(file)]) == 1, "it may not make tables"
    assert re.search("denied", capsys.readouterr().err)
    with pytest.raises(AssertionError, match="run `identra migrate`"), running.started(file):
        pass
    (tmp_path / "owner").mkdir()
    owner = str(write_settings(tmp_path / "owner", empty))
    assert run(["migrate", "--config", owner]) == 0
    running.command(file, "keys", "init")
    with running.started(file) as service:
        _live(service.url, "ada@example.com")
        asyncio.run(upgrade(empty, NEXT))
        _live(service.url, "bob@example.com")
        assert httpx.get(f"{service.url}/readyz").json() == {"status": "ready"}
    assert running.command(file, "migrate", "--check").startswith("up to date: a newer release")
    running.command(file, "housekeeping")
    with running.started(file) as service:
        _live(service.url, "eve@example.com")
    assert service.log.read_text().count('"event": "schema is newer"') == 1


def _live(url: str, email: str) -> None:
    said = {"email": email, "password": PASSWORD}
    with httpx.Client(base_url=url, timeout=running.PATIENCE) as http:
        for path in ("/password/register", "/password/login"):
            answer = http.post(path, json=said)
            assert answer.status_code == 200, answer.text
        pair = answer.json()["token"]
        body = {"refresh_token": pair["refresh_token"]["token"]}
        assert http.post("/token/refresh", json=body).status_code == 200
        assert http.post("/token/revoke", json=body).status_code == 200
