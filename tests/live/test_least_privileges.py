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
def owned(request: pytest.FixtureRequest) -> Iterator[Persistence]:
    """A database without any table, by its owner's account."""
    with servers.fresh_database(request.getfixturevalue(f"{request.param}_server")) as place:
        yield place


@pytest.fixture
def limited(owned: Persistence) -> Iterator[Persistence]:
    """The same, by the account of the page."""
    name, secret = f"identra_{uuid4().hex[:8]}", uuid4().hex
    said = GRANTS[owned.driver].replace("identra_service", name).replace("change me", secret)
    said = said.replace("ON identra.*", f"ON {owned.name}.*")
    try:
        for statement in filter(str.strip, said.split(";")):
            asyncio.run(servers.tell(owned, statement))
        yield owned.model_copy(update={"user": name, "password": SecretStr(secret)})
    finally:
        for undoing in UNDO[owned.driver]:
            asyncio.run(servers.tell(owned, undoing.format(name)))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    further = ["mysql"] if metafunc.config.getoption("everywhere") else []
    metafunc.parametrize("owned", ["postgres", *further], indirect=True)


def test_it_starts_and_signs_in_on_the_account_of_the_page(
    tmp_path: Path, owned: Persistence, limited: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_settings(tmp_path, limited, sections=SECTIONS)
    assert run(["migrate", "--config", str(file)]) == 1, "it may not make tables"
    assert re.search("denied", capsys.readouterr().err)
    (tmp_path / "owner").mkdir()
    owner = str(write_settings(tmp_path / "owner", owned))
    assert run(["migrate", "--config", owner]) == 0
    assert run(["keys", "init", "--config", str(file)]) == 0
    with running.started(file) as service:
        _live(service.url, "ada@example.com")
        asyncio.run(upgrade(owned, NEXT))
        _live(service.url, "bob@example.com")
        assert httpx.get(f"{service.url}/readyz").json() == {"status": "ready"}
    for words in (["migrate", "--check"], ["migrate"], ["housekeeping"], ["users", "list"]):
        assert run([*words, "--config", str(file)]) == 0, words
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
