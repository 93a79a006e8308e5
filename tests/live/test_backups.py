"""The commands of the page on backups, on a running service; restored, it lets people in."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import handbook
import httpx
import pytest
import running
import servers
from homes import PASSWORD, write_settings
from town import settle

from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = "docs/operate/backups.md"
BLOCKS = [fence.text.splitlines() for fence in handbook.on(PAGE)]
BACKING, RESTORING = (
    dict(zip(("postgres", "mysql", "sqlite"), BLOCKS[start::2], strict=True)) for start in (0, 1)
)
STOPPED = ("# systemctl stop identra", "# systemctl start identra")
PROGRAMS = ("pg_dump", "pg_restore", "dropdb", "createdb", "mariadb", "mariadb-dump")
DATABASE = re.compile(r"(?<=[ =])identra(?=$|[;\"]| [<>-])")
"""Where a command names the database."""
SECTIONS: dict[str, dict[str, Any]] = {
    "": {"http_port": 0},
    "password": {"registration": "immediate"},
}


@dataclass
class Shell:
    """Runs the page's commands where an operator would, on this database."""

    folder: Path
    place: Persistence
    file: Path

    def run(self, lines: list[str]) -> None:
        """Line by line; the service is stopped and started by the test."""
        for line in lines:
            told = line.removeprefix("# ")
            if told.startswith("identra "):
                running.command(self.file, *told.split()[1:])
            elif not told.startswith("systemctl "):
                self._bash(DATABASE.sub(self.place.name, told))

    def _bash(self, line: str) -> None:
        done = subprocess.run(
            ["bash", "-euc", line],
            cwd=self.folder, env=self._environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, (line, done.stderr)

    def _environment(self) -> dict[str, str]:
        at, secret = self.place, self.place.password
        password = secret.get_secret_value() if secret else ""
        said = f"host={at.host}\nport={at.port}\nuser={at.user}\npassword={password}\n"
        (self.folder / ".my.cnf").write_text(f"[client]\n{said}")
        postgres = {"PGHOST": at.host, "PGPORT": str(at.port), "PGUSER": str(at.user)}
        return os.environ | postgres | {"PGPASSWORD": password, "HOME": str(self.folder)}


@pytest.fixture(params=["sqlite", "postgres", "mysql"])
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    (tmp_path / "data").mkdir()
    if request.param == "sqlite":
        place = Persistence(driver="sqlite", name=str(tmp_path / "data" / "identra.db"))
        yield _settled(tmp_path, place)
        return
    for program in PROGRAMS:
        if not shutil.which(program):
            servers.missing(program)
    with servers.fresh_database(request.getfixturevalue(f"{request.param}_server")) as place:
        yield _settled(tmp_path, place)


def _settled(folder: Path, place: Persistence) -> Shell:
    file = write_settings(folder, place, sections=SECTIONS)
    settle(file, place)
    return Shell(folder, place, file)


def test_a_backup_taken_beside_the_service_lets_people_in_again(shell: Shell) -> None:
    kind = shell.place.driver
    with running.started(shell.file) as service:
        ada = _enter(service, "register", "ada@example.com")
        eve = _enter(service, "register", "eve@example.com")
        shell.run(BACKING[kind])
        ada = _said(service, "/token/refresh", refresh_token=_refresh(ada))
        _enter(service, "register", "bob@example.com")
        os.killpg(service.process.pid, signal.SIGKILL)  # so that SQLite's log is left behind
    shell.run(RESTORING[kind])
    with running.started(shell.file) as service:
        _enter(service, "login", "ada@example.com")
        _said(service, "/token/refresh", refresh_token=_refresh(eve))
        ahead = _post(service, "/token/refresh", refresh_token=_refresh(ada))
        assert (ahead.status_code, ahead.json()["reason"]) == (401, "INVALID_REFRESH_TOKEN")
        unknown = _post(service, "/password/login", email="bob@example.com", password=PASSWORD)
        assert unknown.json()["reason"] == "INVALID_CREDENTIALS"
    if kind == "sqlite":
        modes = {file.stat().st_mode & 0o777 for file in shell.folder.rglob("identra*.db")}
        assert modes == {0o600}
    assert (RESTORING[kind][0], RESTORING[kind][-1]) == STOPPED


def _enter(service: running.Running, how: str, email: str) -> dict[str, Any]:
    return _said(service, f"/password/{how}", email=email, password=PASSWORD)


def _said(service: running.Running, path: str, **body: str) -> dict[str, Any]:
    answer = _post(service, path, **body)
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()["token"]
    return said


def _post(service: running.Running, path: str, **body: str) -> httpx.Response:
    return httpx.post(f"{service.url}{path}", json=body, timeout=running.PATIENCE)


def _refresh(pair: dict[str, Any]) -> str:
    token: str = pair["refresh_token"]["token"]
    return token
