"""Two nodes of two workers, one database: however many ask at once, a session has one line."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx
import pytest
import servers
from homes import PASSWORD, write_settings
from piccolo.querystring import QueryString
from running import Running, started
from town import WORKERS, at_once, prepare

from identra.db import open_database
from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from homes import Sections

MANY = 50
HOUR = 3600 * 1_000_000
REFRESH = "/token/refresh"


@dataclass(frozen=True)
class Nodes:
    """Services on one database."""

    running: list[Running]
    place: Persistence

    def sign_up(self) -> dict[str, Any]:
        """Somebody new, and her first tokens."""
        body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
        return self._ask("/password/register", body)

    def refresh(self, token: str) -> dict[str, Any]:
        """One exchange that succeeds, at any worker."""
        return self._ask(REFRESH, {"refresh_token": token})

    def race(self, *tokens: str) -> list[httpx.Response]:
        """Refresh with all of these at the same moment."""
        return at_once(self.running, [(REFRESH, {"refresh_token": token}) for token in tokens])

    def row(self, session: str) -> dict[str, Any]:
        """A session's, past the service."""
        (row,) = self.rows("SELECT * FROM identra_sessions WHERE id = {}", session)
        return row

    def rows(self, sql: str, *arguments: Any) -> list[dict[str, Any]]:
        return asyncio.run(self._rows(sql, arguments))

    def let_pass(self, session: str, microseconds: int) -> None:
        """So much time, as far as the session's row remembers."""
        advances = self.row(session)["advances"].split()
        moved = " ".join(str(int(at) - microseconds) for at in advances)
        self.rows("UPDATE identra_sessions SET advances = {} WHERE id = {}", moved, session)

    def _ask(self, path: str, body: dict[str, str]) -> dict[str, Any]:
        answer = httpx.post(f"{self.running[0].url}{path}", json=body)
        assert answer.is_success, answer.text
        pair: dict[str, Any] = answer.json()["token"]
        return pair

    async def _rows(self, sql: str, arguments: tuple[Any, ...]) -> list[dict[str, Any]]:
        db = await open_database(self.place)
        try:
            return await db.fetch(QueryString(sql, *arguments))
        finally:
            await db.close()


@pytest.fixture(scope="module", params=["sqlite", "postgres", "mysql"])
def nodes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Nodes]:
    folder = tmp_path_factory.mktemp("nodes")
    with ExitStack() as opened:
        place = Persistence(driver="sqlite", name=str(folder / "identra.db"))
        if request.param != "sqlite":
            server = request.getfixturevalue(f"{request.param}_server")
            place = opened.enter_context(servers.fresh_database(server))
        yield opened.enter_context(_two(folder, place))


@contextmanager
def _two(folder: Path, place: Persistence) -> Iterator[Nodes]:
    said: Sections = {
        "": {"http_port": 0},
        "housekeeping": {"in_server": False},
        "keys": {"master_key_files": [str(folder / "master.key")], "algorithm": "ES256"},
        "password": {"registration": "immediate"},
    }
    files = []
    for name in ("one", "two"):
        (folder / name).mkdir()
        files.append(write_settings(folder / name, place, sections=said))
    prepare(files[0], place)
    with ExitStack() as opened, ThreadPoolExecutor() as hands:
        starting = [started(file, "--workers", str(WORKERS)) for file in files]
        yield Nodes(list(hands.map(opened.enter_context, starting)), place)


def refresh_token(pair: dict[str, Any]) -> str:
    return str(pair["refresh_token"]["token"])


def session_of(nodes: Nodes, pair: dict[str, Any]) -> str:
    """The id of its session, as the owner may see it."""
    bearer = {"Authorization": f"Bearer {pair['access_token']['token']}"}
    answer = httpx.get(f"{nodes.running[-1].url}/me/sessions", headers=bearer)
    (listed,) = answer.json()["sessions"]
    return str(listed["id"])


def events_of(nodes: Nodes, session: str) -> list[str]:
    """What is on record of it but its beginning."""
    found = nodes.rows("SELECT name, data FROM identra_events WHERE name LIKE 'session.%'")
    return [row["name"] for row in found if session in row["data"]]


def test_of_many_who_refresh_with_one_token_all_get_its_one_successor(nodes: Nodes) -> None:
    """Or are told to come again, which then gives it; twice in a row, so the successor works."""
    pair = nodes.sign_up()
    session, token = session_of(nodes, pair), refresh_token(pair)
    for generation in (1, 2):
        answers = nodes.race(*[token] * MANY)
        got = {refresh_token(answer.json()["token"]) for answer in answers if answer.is_success}
        (successor,) = got
        assert successor != token
        for busy in (answer for answer in answers if not answer.is_success):
            assert (busy.status_code, busy.json()["reason"]) == (503, "STORE_UNAVAILABLE")
            assert int(busy.headers["Retry-After"]) >= 1
            assert refresh_token(nodes.refresh(token)) == successor
        rows = nodes.rows(
            "SELECT generation, revoked_at FROM identra_sessions WHERE id = {}", session
        )
        assert rows == [{"generation": generation, "revoked_at": None}]
        token = successor
    assert refresh_token(nodes.refresh(token)) != token
    assert events_of(nodes, session) == []
    assert session_of(nodes, nodes.refresh(token)) == session


def test_of_many_thieves_at_once_the_first_ends_the_session_and_one_is_recorded(
    nodes: Nodes,
) -> None:
    """They hold all its older tokens, and its owner refreshes at that very moment."""
    pair = nodes.sign_up()
    session, known = session_of(nodes, pair), [refresh_token(pair)]
    for _ in range(5):
        known.append(refresh_token(nodes.refresh(known[-1])))
    nodes.let_pass(session, HOUR)
    current = known.pop()
    answers = nodes.race(*[*known * 4, *[current] * 10] * 2)
    told = {answer.json().get("reason", "given") for answer in answers}
    assert told <= {"given", "INVALID_REFRESH_TOKEN", "STORE_UNAVAILABLE"}
    given = {refresh_token(a.json()["token"]) for a in answers if a.is_success}
    assert len(given) <= 1
    after = nodes.race(*known, current, *given)
    assert {answer.json()["reason"] for answer in after} == {"INVALID_REFRESH_TOKEN"}
    assert events_of(nodes, session) == ["session.theft"]
    assert nodes.row(session)["revoked_for"] == "theft"
