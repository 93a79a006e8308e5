"""A database that can't be used: one line that says why and where to look, exit 1, no change.

Through the command line, by every command that opens a database, with the same words.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import servers
from homes import write_settings
from pydantic import SecretStr

from identra.cli import run
from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Fail = Callable[..., str]

SECRET = "never-to-be-shown"
PATIENCE = 30
TABLE = "CREATE TABLE identra_users (theirs INTEGER)"
TABLES = {
    "postgres": "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
    "mysql": "SELECT table_name AS name FROM information_schema.tables"
    " WHERE table_schema = DATABASE()",
}
ASKS_STRANGERS = "host all identra 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n"
USERS = '{"identra_users":1}\n{"user_id":"ada","created_at":"2026-01-31T12:00:00Z"}\n{"users":1}\n'


@dataclass(frozen=True)
class Bad:
    """A place that can't be used, words of why, and where to look, as regular expressions.

    `read` is for the words where another service's users are to be read from there.
    """

    place: Persistence
    why: str
    look: str
    read: tuple[str, str] | None = None


@dataclass(frozen=True)
class Home:
    """A folder with a database that is ready."""

    folder: Path

    @property
    def good(self) -> str:
        return str(self.folder / "good" / "identra.toml")

    def settings(self, name: str, place: Persistence) -> str:
        """Settings for a place, with the good database's master key."""
        (self.folder / name).mkdir()
        master = {"master_key_files": [str(self.folder / "good" / "master.key")]}
        sections = {"": {"http_port": 0}, "keys": master}
        return str(write_settings(self.folder / name, place, sections=sections))

    def files(self) -> dict[str, bytes]:
        """Every file below, and what is in it; not what SQLite keeps beside one that is open."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {str(path): path.read_bytes() for path in found if "-" not in path.suffix}


@pytest.fixture
def fail(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Fail:
    """Runs a command line that is to fail, a secret said to it; what it says on stderr."""

    def failing(*words: str, secret: str = "") -> str:
        capsys.readouterr()
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{secret}\n"))
        assert run(list(words)) == 1, words
        return capsys.readouterr().err

    return failing


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "good").mkdir()
    home = Home(tmp_path)
    write_settings(tmp_path / "good", _file(tmp_path / "good" / "identra.db"))
    for words in (["migrate"], ["keys", "init"]):
        assert run([*words, "--config", home.good]) == 0
    (tmp_path / "users.jsonl").write_text(USERS)
    return home


@pytest.fixture(scope="module")
def guarded() -> Iterator[Persistence]:
    """A PostgreSQL that asks strangers for a password."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        hba = Path(folder, "pg_hba.conf")
        hba.write_text(ASKS_STRANGERS)
        with servers.postgres("-c", f"hba_file={hba}") as server:
            yield server


def _file(path: Path) -> Persistence:
    return Persistence(driver="sqlite", name=str(path))


def _theirs(place: Persistence) -> Bad:
    ours = "table identra_users that Identra did not make", "rename it, or .*persistence.name"
    return Bad(place, *ours, read=("has no users.created_at", "not the original service's"))


def _on_file(folder: Path, how: str) -> Bad:
    path = folder / "it.db"
    match how:
        case "no database":
            path.write_text("nothing but notes\n" * 200)
            return Bad(_file(path), "is no SQLite database, or is damaged", "persistence.name")
        case "damaged":
            with closing(sqlite3.connect(path)) as made, made:
                made.execute("CREATE TABLE t (words TEXT)")
                made.executemany("INSERT INTO t VALUES (?)", [("w" * 900,)] * 100)
            os.truncate(path, 6000)
            return Bad(_file(path), "is damaged", "restore a backup")
        case "a directory":
            path.mkdir()
            return Bad(_file(path), "Is a directory", "persistence.name", ("directory", "--dsn"))
        case "unwritable":
            closed = _closed(folder) / "it.db"
            look, read = "persistence.name", ("No such file", "--dsn")
            return Bad(_file(closed), "Permission denied|No such file", look, read)
    with closing(sqlite3.connect(path)) as made, made:
        made.execute(TABLE)
    return _theirs(_file(path))


def _closed(folder: Path) -> Path:
    """A folder where nobody may write; root is stopped by the kernel's own alone."""
    if os.geteuid() == 0:
        return Path("/sys")
    (folder / "closed").mkdir(mode=0o500)
    return folder / "closed"


@contextmanager
def _on_server(server: Persistence, how: str) -> Iterator[Bad]:
    wrong = {
        "nobody there": {"port": servers.free_port()},
        "no such host": {"host": "nowhere.invalid"},
        "wrong password": {"user": "stranger", "password": SecretStr(SECRET)},
        "no such database": {"name": "not_here"},
        "wrong driver": {"driver": "mysql" if server.driver == "postgres" else "postgres"},
    }
    if how in wrong:
        yield Bad(server.model_copy(update=wrong[how]), *SAID[how])
        return
    with servers.fresh_database(server) as place:
        asyncio.run(servers.tell(place, TABLE))
        yield _theirs(place)
        tables = asyncio.run(servers.tell(place, TABLES[place.driver]))
        assert [row["name"] for row in tables] == ["identra_users"]


SAID = {
    "nobody there": ("refused|Can't connect", "is it running there.* persistence.port"),
    "no such host": ("nowhere.invalid", "persistence.host"),
    "wrong password": ("password", "persistence.user and persistence.password"),
    "no such database": ("not_here", "make the database, or look at persistence.name"),
    "wrong driver": ("SSL|no answer came in time", "persistence.driver"),
}


@pytest.mark.parametrize(
    "how", ["no database", "damaged", "a directory", "unwritable", "another program's"]
)
def test_a_file_that_is_no_place_for_users(home: Home, how: str, fail: Fail) -> None:
    _demand_one_line_each(home, _on_file(home.folder, how), fail)


@pytest.mark.parametrize("how", [*SAID, "another program's"])
@pytest.mark.parametrize("server", ["guarded", "mysql_server"])
def test_a_server_that_is_no_place_for_users(
    home: Home, how: str, server: str, fail: Fail, request: pytest.FixtureRequest
) -> None:
    briefly = how in SAID and how != "nobody there"
    with _on_server(request.getfixturevalue(server), how) as bad:
        _demand_one_line_each(home, bad, fail, briefly=briefly)


def test_what_is_only_read_is_neither_made_nor_touched(home: Home, fail: Fail) -> None:
    missing = home.folder / "nowhere" / "it.db"
    copied = home.settings("copied", _file(missing))
    said = fail("copy", "--config", copied, "--to", home.good)
    _demand_line(said, "No such file", "persistence.name")
    said = fail("import", "original", *_dsn(_file(missing)), "--config", home.good)
    _demand_line(said, "No such file", "--dsn")
    assert not missing.parent.exists()
    theirs = home.folder / "original.db"
    with closing(sqlite3.connect(theirs)) as made, made:
        made.executescript((Path(__file__).parent / "original.sql").read_text())
    before = theirs.read_bytes()
    assert run(["import", "original", *_dsn(_file(theirs)), "--config", home.good]) == 0
    assert theirs.read_bytes() == before


@pytest.mark.parametrize(("driver", "words"), [("postgres", "serve"), ("mysql", "migrate")])
def test_a_driver_that_is_not_installed_says_what_to_install(
    home: Home, driver: str, words: str
) -> None:
    """In an interpreter of its own, which has no such package."""
    place = Persistence(driver=driver, name="identra", host="127.0.0.1", user="identra")
    file, package = home.settings("bad", place), PACKAGES[driver]
    process = _begin("-c", WITHOUT.replace("PACKAGE", package), words, "--config", file)
    _demand_line(_end(process), "persistence.driver", f"run `pip install {package}`$")


PACKAGES = {"postgres": "asyncpg", "mysql": "asyncmy"}
WITHOUT = """
import sys
class Lacking:
    def __init__(self, finder):
        self.finder = finder
    def __getattr__(self, name):
        return getattr(self.finder, name)
    def find_spec(self, name, *more):
        return None if name == "PACKAGE" else self.finder.find_spec(name, *more)
sys.meta_path[:] = map(Lacking, sys.meta_path)
from identra.cli import main
main()
"""


def _demand_one_line_each(home: Home, bad: Bad, fail: Fail, *, briefly: bool = False) -> None:
    """By every command, or `briefly` by those that open a database in ways of their own."""
    file = home.settings("bad", bad.place)
    before = home.files()
    serving = None if briefly else _begin("-m", "identra", "serve", "--config", file)
    users = str(home.folder / "users.jsonl")
    commands = [
        ["migrate", "--config", file],
        ["users", "list", "--config", file],
        ["users", "import", users, "--config", file],
        ["copy", "--config", file, "--to", home.good],
        ["copy", "--config", home.good, "--to", file],
    ]
    for words in commands[:1] if briefly else commands:
        _demand_line(fail(*words), bad.why, bad.look)
    secret = bad.place.password.get_secret_value() if bad.place.password else ""
    said = fail("import", "original", *_dsn(bad.place), "--config", home.good, secret=secret)
    _demand_line(said, *(bad.read or (bad.why, "--dsn")))
    if serving:
        _demand_line(_end(serving), bad.why, bad.look)
    assert home.files() == before


def _demand_line(said: str, *words: str) -> None:
    assert said.startswith("identra: "), said
    assert said.count("\n") == 1, said
    assert SECRET not in said
    for each in words:
        assert re.search(each, said), (each, said)


def _dsn(place: Persistence) -> list[str]:
    where = f"{place.user}@{place.host}:{place.port}/{place.name}"
    url = f"sqlite:///{place.name}" if place.driver == "sqlite" else f"{place.driver}://{where}"
    return ["--dsn", url, "--addresses", "proved", "--password-stdin"]


def _begin(*words: str) -> subprocess.Popen[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("IDENTRA_")}
    return subprocess.Popen([sys.executable, *words], stderr=subprocess.PIPE, text=True, env=clean)


def _end(process: subprocess.Popen[str]) -> str:
    try:
        said = process.communicate(timeout=PATIENCE)[1]
    finally:
        process.kill()
    assert process.returncode == 1, said
    return said
