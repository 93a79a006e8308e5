"""The ring: made once, sealed at rest, never remade over one that can't be opened."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from homes import open_home, write_settings
from piccolo.querystring import QueryString

from identra.app import build, make_first_keys, opened_database, opening, prepare
from identra.errors import OperatorError, StoreUnavailable
from identra.events import Events
from identra.keys import RELOAD_EVERY, Keys, NoKeysError
from identra.master import MasterKeyError, make_file, read_files
from identra.secret import uuid7
from identra.settings import Persistence, load

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock


async def test_a_first_start_on_sqlite_makes_everything_and_a_second_changes_nothing(
    tmp_path: Path,
) -> None:
    place = Persistence(name=str(tmp_path / "new" / "identra.db"))
    loaded = load(write_settings(tmp_path, place), {})
    await prepare(loaded)
    app = await build(loaded)
    first = app.keys.published()
    await app.close()
    await prepare(loaded)
    app = await build(loaded)
    assert app.keys.published() == first
    await app.close()
    assert (tmp_path / "master.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new" / "identra.db").stat().st_mode & 0o777 == 0o600


async def test_a_server_database_without_keys_says_what_to_run(
    tmp_path: Path, persistence: Persistence
) -> None:
    loaded = load(write_settings(tmp_path, persistence), {})
    make_file(tmp_path / "master.key")
    with pytest.raises(NoKeysError, match="identra keys init"):
        await build(loaded)


async def test_twenty_first_starts_at_once_make_one_ring(
    tmp_path: Path, persistence: Persistence
) -> None:
    loaded = load(write_settings(tmp_path, persistence), {})
    async with opened_database(loaded) as db:
        made = await asyncio.gather(*(make_first_keys(loaded, db) for _ in range(20)))
        rows = await db.fetch(db.tables.keys.select(db.tables.keys.state))
    assert made.count(True) == 1
    assert [row["state"] for row in rows] == ["active", "active"]


async def test_a_ring_sealed_by_another_master_key_stops_the_start_and_stays(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        published = app.keys.published()
    kept = (tmp_path / "master.key").read_text()
    (tmp_path / "master.key").unlink()
    loaded = load(write_settings(tmp_path, persistence), {})
    with pytest.raises(MasterKeyError, match="master_key_files"):
        await prepare(loaded)
    assert not (tmp_path / "master.key").exists()
    make_file(tmp_path / "master.key")
    with pytest.raises(MasterKeyError, match="is sealed by master key"):
        await build(loaded)
    (tmp_path / "master.key").write_text(kept)
    app = await build(loaded)
    assert app.keys.published() == published
    await app.close()


async def test_private_parts_are_nowhere_in_the_database(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_home(tmp_path, persistence) as app:
        private = app.keys.signer().jwk.export_private(as_dict=True)
        secrets = [private[name] for name in ("d", "p", "q", "dp", "dq", "qi")]
        secrets.append(app.keys.current_secret().value.hex())
        rows = await app.database.fetch(QueryString('SELECT * FROM "identra_keys"'))
    told = json.dumps(rows)
    assert not [secret for secret in secrets if secret in told]


def test_a_master_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    make_file(file)
    file.chmod(0o640)
    with pytest.raises(MasterKeyError, match="chmod 600"):
        read_files([file])


@pytest.mark.parametrize("text", ["", "short", "!" * 43, "A" * 44])
def test_a_file_that_holds_no_256_bits_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "master.key"
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(MasterKeyError, match="holds no 256-bit key"):
        read_files([file])


def test_a_master_key_file_is_never_written_over(tmp_path: Path) -> None:
    file = tmp_path / "keys" / "master.key"
    assert make_file(file)
    kept = file.read_text()
    assert not make_file(file)
    assert file.read_text() == kept


FULL_DISK = """
import pathlib, resource, signal, sys
from identra.master import MasterKeyError, make_file
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
try:
    make_file(pathlib.Path(sys.argv[1]))
except MasterKeyError as fault:
    sys.exit(str(fault))
"""


def test_a_first_start_on_a_full_disk_leaves_no_half_a_key(tmp_path: Path) -> None:
    """An empty file would be taken for the key, and be in the way of every start after."""
    file = tmp_path / "master.key"
    command = [sys.executable, "-c", FULL_DISK, str(file)]
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert failed.stderr == f"keys.master_key_files: {file}: File too large\n"
    assert list(tmp_path.iterdir()) == []
    assert make_file(file)
    assert read_files([file]).first
    assert list(tmp_path.iterdir()) == [file]


def test_a_key_file_is_whole_from_its_first_moment(tmp_path: Path) -> None:
    """A second process starting meanwhile reads the key or finds none, never a part of it."""
    files = [tmp_path / f"{turn}.key" for turn in range(200)]

    def read(file: Path) -> None:
        while not file.exists():
            pass
        read_files([file])

    with ThreadPoolExecutor(2) as threads:
        reading = [threads.submit(read, file) for file in files]
        for file in files:
            make_file(file)
        for each in reading:
            each.result()


async def test_a_ring_read_again_opens_no_key_again(
    tmp_path: Path, persistence: Persistence
) -> None:
    """Opening a key and first signing with it holds the loop up, and reading comes often."""
    async with open_home(tmp_path, persistence) as app:
        signer = app.keys.signer()
        await app.keys.load()
        assert app.keys.signer() is signer


class Counted(Keys):
    """Tells how often the ring was read."""

    reads = 0

    async def _read(self) -> None:
        self.reads += 1
        await super()._read()


async def test_a_flood_of_unknown_key_ids_has_the_ring_read_once_a_second(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """All of them wait for one reading, which may tell them of a key that is new."""
    async with open_home(tmp_path, persistence, clock=clock) as app:
        master = read_files(app.settings.keys.master_key_files)
        steps = opening.steps(app.settings, app.database, master, Events(app.database, clock))
        keys = Counted(app.database, master, steps, opening.system_clock)
        await keys.load()
        for turn in (1, 2):
            began = time.monotonic()
            known = await asyncio.gather(*(keys.verifier(uuid7()) for _ in range(20)))
            assert known == [None] * 20
            assert keys.reads == 1 + turn
            assert time.monotonic() - began > 0.5


async def test_a_flood_while_the_ring_can_not_be_read_fails_with_one_reading(
    tmp_path: Path, persistence: Persistence, clock: FrozenClock
) -> None:
    """Nobody waits for the failures of those who asked before, probes neither."""
    async with open_home(tmp_path, persistence, clock=clock) as app:
        master = read_files(app.settings.keys.master_key_files)
        steps = opening.steps(app.settings, app.database, master, clock)
        ticks = [0.0]
        keys = Counted(app.database, master, steps, opening.system_clock, lambda: ticks[0])
        await keys.load()
        t = app.database.tables.keys
        await app.database.change(t.update({t.public: "no JSON"}).where(t.purpose == "sig"))
        for ask in (lambda: keys.verifier(uuid7()), keys.refresh):
            keys.reads, ticks[0] = 0, ticks[0] + RELOAD_EVERY
            told = await asyncio.gather(*(ask() for _ in range(20)), return_exceptions=True)
            assert {type(each) for each in told} == {StoreUnavailable}
            assert keys.reads == 1


async def test_a_row_that_can_not_be_read_leaves_the_former_ring_in_use(
    tmp_path: Path, persistence: Persistence
) -> None:
    """What reads the ring again and again goes on, and finds it mended."""
    async with open_home(tmp_path, persistence) as app:
        before, t = app.keys.ring, app.database.tables.keys
        damaged = t.update({t.public: "no JSON"}).where(t.id == before.signer.kid)
        await app.database.change(damaged)
        await app.keys.reload_or_warn()
        assert app.keys.ring is before
        public = before.signer.jwk.export_public()
        await app.database.change(t.update({t.public: public}).where(t.id == before.signer.kid))
        await app.keys.reload_or_warn()
        assert app.keys.ring is not before
        assert app.keys.published() == before.jwks


def test_every_refusal_is_for_an_operator() -> None:
    assert issubclass(MasterKeyError, OperatorError)
    assert issubclass(NoKeysError, OperatorError)
