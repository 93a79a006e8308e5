"""Operators are let in where the settings say so, and nowhere else."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from typing import TYPE_CHECKING

import httpx
import pytest
import running
import spoken
from callers import IMMEDIATE, access, open_house, reason, tokens
from clerks import LET_IN, Clerk, clerk
from running import operators_of
from smuggling import HEADS

from identra.http import admin
from identra.serve import serve
from identra.settings import SettingsError, load

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence

ADA = "ada@example.com"
APART = {"admin": {"enabled": True, "port": 0}}
CORS = {"cors": {"allowed_origins": ["https://app.example.com"]}}
ELSEWHERE = {"Origin": "https://app.example.com"}
Sqlite = pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)


@Sqlite
@pytest.mark.parametrize("sections", [{}, APART])
async def test_the_public_door_knows_of_none_of_it(
    tmp_path: Path, persistence: Persistence, sections: dict[str, dict[str, object]]
) -> None:
    """Each is answered as a path that there is not, whatever key comes along."""
    async with open_house(tmp_path, persistence, sections=LET_IN) as house:
        key = (await clerk(house)).key
    async with open_house(tmp_path, persistence, sections=sections) as house:
        desk = Clerk(house.caller(), key)
        said = set()
        for operation in admin.OPERATIONS:
            answer = await desk.call(operation, "x")
            said.add(answer.text.replace(answer.headers["x-request-id"], ""))
            assert "ratelimit" not in answer.headers
            assert (await house.http.options(operation.path)).status_code == 404
        nothing = await desk.caller.ask("/nothing")
        assert said == {nothing.text.replace(nothing.headers["x-request-id"], "")}
        assert '"/admin' not in (await house.http.get("/openapi.json")).text


@Sqlite
async def test_under_the_older_prefix_there_is_none_of_it(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=LET_IN) as house:
        desk = await clerk(house)
        assert "users" in await desk.ask("/admin/users")
        for operation in admin.OPERATIONS:
            answer = await desk.caller.ask(f"/api{operation.path}", bearer=desk.key)
            assert reason(answer) == "NOT_FOUND"


@Sqlite
async def test_a_port_of_its_own_is_for_operators_alone(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Every answer there is as documented there, and no other origin's page reads any."""
    sections = APART | CORS | IMMEDIATE
    async with open_house(tmp_path, persistence, sections=sections) as house:
        pair = tokens(await house.caller().register(ADA))
        user_id = (await house.caller().info(access(pair))).json()["user_id"]
        desk = await clerk(house)
        async with operators_of(house.app) as url, httpx.AsyncClient(base_url=url) as http:
            said = (await http.get("/openapi.json")).json()
            assert said["servers"] == [{"url": "/"}]
            apart = Clerk(type(desk.caller)(http, desk.caller.network), desk.key)
            http.headers.update(ELSEWHERE)
            for operation in sorted(admin.OPERATIONS, key=lambda one: one.method == "DELETE"):
                answer = await apart.call(operation, user_id)
                spoken.validate(answer, said)
                assert answer.status_code in {200, 404}, answer.text
                assert "access-control-allow-origin" not in answer.headers
            for path in ("/password/login", "/me", "/.well-known/jwks.json", "/api/healthz"):
                answer = await http.get(path)
                assert (reason(answer), "vary" in answer.headers) == ("NOT_FOUND", False)
            assert (await http.get("/readyz")).json() == {"status": "ready"}
        assert (await house.http.get("/me", headers=ELSEWHERE)).headers["vary"] == "Origin"


@Sqlite
async def test_its_gate_is_as_strict_as_the_other(tmp_path: Path, persistence: Persistence) -> None:
    async with (
        open_house(tmp_path, persistence, sections=APART) as house,
        operators_of(house.app) as url,
    ):
        port = httpx.URL(url).port
        for name, said in HEADS.items():
            answer = await asyncio.to_thread(_tell, port, said)
            assert answer.startswith(b"HTTP/1.1 400 "), name
            assert answer.count(b"HTTP/1.1 ") == 1, name


def _tell(port: int | None, said: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port or 0), timeout=10) as wire:
        wire.sendall(said)
        heard = b""
        try:
            while data := wire.recv(65_536):
                heard += data
        except ConnectionResetError:
            pass
        return heard


@pytest.mark.long
def test_all_workers_answer_there_and_a_killed_one_is_replaced(tmp_path: Path) -> None:
    extra = "[admin]\nenabled = true\nport = 0\n"
    with running.identra(tmp_path, "--workers", "2", extra=extra) as service:
        assert service.process.stdout
        greeting = service.process.stdout.readline().split()
        assert greeting[0] == "operators"
        file = service.log.with_name("identra.toml")
        words = ("admin-keys", "create", "ci", "--scope", "users:read")
        bearer = {"Authorization": f"Bearer {running.command(file, *words).strip()}"}
        os.kill(service.workers()[0], signal.SIGKILL)
        for _ in range(8):
            answer = httpx.get(f"{greeting[1]}/users", headers=bearer)
            assert answer.json() == {"users": []}
        assert httpx.get(f"{service.url}/admin/users", headers=bearer).status_code == 404
        assert service.stop() == 0
        assert bearer["Authorization"].rpartition("_")[2] not in service.log.read_text()


def test_a_port_that_is_taken_stops_the_start_and_names_its_key(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = running.write_settings(tmp_path, f"[admin]\nenabled = true\nport = {port}\n")
        says = f"admin.port: can't listen on 127.0.0.1 port {port}"
        with pytest.raises(SettingsError, match=says):
            serve(load(file, {}), dev=False, workers=1)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("port = 8080", "http_port and admin.port are the same port"),
        ("port = 9000\ngrpc_port = 50051", "grpc_port and admin.grpc_port are the same port"),
        ("port = 9000\ngrpc_port = 9000", "admin.port and admin.grpc_port are the same port"),
        ("grpc_port = 9000", "grpc_port goes with port"),
    ],
)
def test_ports_that_can_t_be_are_refused(tmp_path: Path, section: str, says: str) -> None:
    file = tmp_path / "identra.toml"
    file.write_text(f"[admin]\nenabled = true\n{section}\n")
    with pytest.raises(SettingsError, match=says):
        load(file, {})


def test_development_lets_nobody_in_from_elsewhere(tmp_path: Path) -> None:
    file = tmp_path / "identra.toml"
    file.write_text('[admin]\nenabled = true\nport = 9000\nhost = "0.0.0.0"\n')
    assert load(file, {}).tree.admin.host == "0.0.0.0"  # noqa: S104 - read, not bound
    with pytest.raises(SettingsError, match=r"admin\.host"):
        load(file, {}, dev=True)
