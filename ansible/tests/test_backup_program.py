"""The program that makes backups, on every kind of database, without a host."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import plays
import pytest

from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

sys.path.append(str(plays.ROOT / "tests"))
import servers

PROGRAM = plays.HOME / "roles/backup/files/identra-backup"
NEEDED = ("age", "pg_dump", "mariadb-dump")
PEOPLE = ("ada@example.com", "bob@example.com", "eve@example.com")
PASSWORD = "correct horse battery staple"
REASON = "it's (her) \\ \"own\"; wish,	as NULL'); told"


@dataclass
class Desk:
    """A folder with settings, secrets and keys as the unit sees them."""

    folder: Path
    place: Persistence

    def settings(self, name: str) -> Path:
        file, at = self.folder / f"{name}.toml", self.place
        said = {"driver": at.driver, "name": name, "host": at.host, "port": at.port}
        said |= {"user": at.user} if at.driver != "sqlite" else {}
        said["name"] = str(self.folder / f"{name}.db") if at.driver == "sqlite" else name
        lines = [f"{key} = {json.dumps(value)}" for key, value in said.items() if value]
        keys = f'[keys]\nmaster_key_files = ["{self.folder}/keys/master.key"]\n'
        file.write_text(
            "\n".join(['public_url = "http://localhost"', keys, "[persistence]", *lines])
        )
        return file

    def program(self, *words: object) -> subprocess.CompletedProcess[str]:
        work, given = self.folder / "work", self.folder / "given"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        told = {"RUNTIME_DIRECTORY": str(work), "CREDENTIALS_DIRECTORY": str(given)}
        return subprocess.run(
            [sys.executable, PROGRAM, *map(str, words)],
            env=os.environ | told, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def identra(self, config: Path, *words: str, said: str = "") -> str:
        done = subprocess.run(
            [f"{plays.BIN}/identra", *words, "--config", str(config)],
            env=plays.clean() | self._secret(), input=said,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    def _secret(self) -> dict[str, str]:
        file = self.folder / "given/secrets_persistence.password"
        return {"IDENTRA_PERSISTENCE__PASSWORD_FILE": str(file)} if file.exists() else {}

    def make(self, kept: int = 2) -> subprocess.CompletedProcess[str]:
        folder = self.folder
        return self.program("make", folder / "live.toml", folder / "home", kept, folder / "to")

    def backups(self) -> list[Path]:
        return sorted((self.folder / "home").iterdir())


@pytest.fixture(params=["sqlite", "postgres", "mysql"])
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Desk]:
    for program in NEEDED:
        if not shutil.which(program):
            servers.missing(program)
    for name in ("given", "home", "keys"):
        (tmp_path / name).mkdir()
    if request.param == "sqlite":
        yield _opened(Desk(tmp_path, Persistence(driver="sqlite", name="live")), "live", "fresh")
        return
    server = servers.postgres if request.param == "postgres" else servers.mysql
    with (
        server() as machine,
        servers.fresh_database(machine) as live,
        servers.fresh_database(machine) as fresh,
    ):
        yield _opened(Desk(tmp_path, live), live.name, fresh.name)


def _opened(desk: Desk, live: str, fresh: str) -> Desk:
    folder = desk.folder
    desk.settings(live).rename(folder / "live.toml")
    desk.settings(fresh).rename(folder / "fresh.toml")
    if desk.place.password:
        secret = folder / "given/secrets_persistence.password"
        secret.write_text(desk.place.password.get_secret_value())
    key = folder / "keys/master.key"
    desk.identra(folder / "live.toml", "keys", "new-master-key", str(key))
    shutil.copy(key, folder / "given/keys_master.key")
    made = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True)
    (folder / "identity").write_text(made.stdout)
    (folder / "to").write_text(made.stderr.split()[-1])
    for words in ("migrate", "keys init"):
        desk.identra(folder / "live.toml", *words.split())
    for email in PEOPLE:
        words = ["users", "create", email, "--proved", "--password-stdin"]
        desk.identra(folder / "live.toml", *words, said=f"{PASSWORD}\n")
    desk.identra(folder / "live.toml", "users", "disable", PEOPLE[-1], "--reason", REASON)
    return desk


def test_what_was_backed_up_is_there_again(desk: Desk) -> None:
    folder = desk.folder
    assert desk.make().returncode == 0
    (backup,) = desk.backups()
    assert json.loads((backup / "backup.json").read_text())["users"] == len(PEOPLE)
    words = (folder / "fresh.toml", backup, folder / "identity")
    loaded = desk.program("load", *words)
    assert loaded.returncode == 0, loaded.stderr
    for told in ("users list", "keys list", f"users show {PEOPLE[-1]}"):
        live, fresh = (
            desk.identra(folder / name, *told.split(), "--json")
            for name in ("live.toml", "fresh.toml")
        )
        assert json.loads(live) == json.loads(fresh)
    assert "nothing is restored over them" in desk.program("load", *words).stderr


def test_what_does_not_open_is_thrown_away_and_the_oldest_goes_last(desk: Desk) -> None:
    assert desk.make().returncode == 0
    former = desk.backups()
    given = desk.folder / "given/keys_master.key"
    given.write_text(given.read_text()[::-1])
    refused = desk.make(kept=1)
    assert refused.returncode == 1
    assert refused.stderr.startswith("identra-backup: ")
    assert desk.backups() == former
    shutil.copy(desk.folder / "keys/master.key", given)
    assert desk.make(kept=1).returncode == 0
    assert len(desk.backups()) == 1
    assert desk.backups() != former


def test_only_the_identity_opens_it(desk: Desk) -> None:
    assert desk.make().returncode == 0
    (backup,) = desk.backups()
    other = desk.folder / "other"
    other.write_text(
        subprocess.run(["age-keygen"], capture_output=True, text=True, check=True).stdout
    )
    done = desk.program("keys", backup, other, desk.folder / "work")
    assert done.returncode == 1
    assert "no identity matched" in done.stderr


@pytest.mark.parametrize("desk", ["mysql"], indirect=True)
def test_a_forged_dump_runs_nothing_on_the_host(desk: Desk) -> None:
    """The public key is enough to make one, and MariaDB's client takes orders from its input."""
    folder, mark = desk.folder, desk.folder / "mark"
    assert desk.make().returncode == 0
    (backup,) = desk.backups()
    dump = backup / "database.age"
    opened = ["age", "--decrypt", "--identity", folder / "identity", dump]
    forged = f"\\! touch {mark}\nsystem touch {mark}\n".encode() + subprocess.check_output(opened)
    sealed = ["age", "--encrypt", "--output", dump, "--recipient", (folder / "to").read_text()]
    subprocess.run(sealed, input=forged, check=True)
    told = json.loads((backup / "backup.json").read_text())
    told["sums"]["database.age"] = hashlib.sha256(dump.read_bytes()).hexdigest()
    (backup / "backup.json").write_text(json.dumps(told))
    desk.program("load", folder / "fresh.toml", backup, folder / "identity")
    assert not mark.exists()
