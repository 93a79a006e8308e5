"""The attacker, or a slip, puts another master key in the place of the one that sealed the ring;
the service must not start, and must make nothing anew over what it can't open.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import running
from callers import EXPECTED, access, open_house, tokens
from homes import code_for, open_home, write_settings

from identra.app import build, make_first_keys, opened_database, prepare
from identra.keys import NoKeysError
from identra.master import MasterKeyError, make_file
from identra.secret import base64url, token, token_bytes
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from identra.settings import Persistence

HEX = "0123456789abcdef" * 4
WRONG: dict[str, Callable[[Path], object]] = {
    "another": lambda file: file.write_text(token() + "\n"),
    "zeros": lambda file: file.write_text(base64url(bytes(32)) + "\n"),
    "empty": lambda file: file.write_text(""),
    "cut short": lambda file: file.write_text(file.read_text()[:40]),
    "a letter changed": lambda file: file.write_text(_changed(file.read_text())),
    "in another spelling": lambda file: file.write_text(HEX),
    "two in one": lambda file: file.write_text(file.read_text() * 2),
    "gone": lambda file: file.unlink(),
    "a directory": lambda file: (file.unlink(), file.mkdir()),
    "for all to read": lambda file: file.chmod(0o644),
    "for a group to write": lambda file: file.chmod(0o620),
}


def _changed(text: str) -> str:
    return ("A" if text[0] != "A" else "B") + text[1:]


def _refused(file: Path, *words: str) -> str:
    """A command that fails, and the one line it says of it."""
    done = subprocess.run(
        [sys.executable, "-m", "identra", *words, "--config", str(file)],
        capture_output=True,
        text=True,
        timeout=running.PATIENCE,
        check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("IDENTRA_")},
    )
    assert (done.returncode, done.stdout) == (1, ""), done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


async def _ring(file: Path) -> str:
    """The ring's rows, every column of them."""
    async with opened_database(load(file, {})) as db:
        t = db.tables.keys
        rows: list[dict[str, Any]] = await db.fetch(t.select().order_by(t.id))
    assert len(rows) == 2
    return json.dumps(rows)


def _state(file: Path) -> object:
    """What a file is and holds, or that it is not there."""
    if not file.exists():
        return None
    return "directory" if file.is_dir() else (file.stat().st_mode, file.read_bytes())


@pytest.mark.parametrize("fault", WRONG)
async def test_a_wrong_master_key_stops_every_start_and_nothing_is_made_anew(
    tmp_path: Path, persistence: Persistence, fault: str
) -> None:
    """Putting the right one back brings everything back, the tokens of before too."""
    key = tmp_path / "master.key"
    async with open_house(tmp_path, persistence) as house:
        _, pair = await house.owner("ada@example.com")
        published = house.app.keys.published()
    file, right = tmp_path / "identra.toml", key.read_text()
    ring = await _ring(file)
    WRONG[fault](key)
    wrong = _state(key)
    loaded = load(file, {})
    for start in (prepare, build):
        with pytest.raises(MasterKeyError):
            await start(loaded)
    async with opened_database(loaded) as db:
        with suppress(MasterKeyError):
            assert not await make_first_keys(loaded, db)
    assert await _ring(file) == ring
    assert _state(key) == wrong
    if key.is_dir():
        key.rmdir()
    key.write_text(right)
    key.chmod(0o600)
    async with open_house(tmp_path, persistence) as house:
        assert house.app.keys.published() == published
        assert (await house.caller().info(access(pair))).status_code == 200


async def test_the_command_says_so_in_one_line_before_a_port_is_open(
    tmp_path: Path, persistence: Persistence
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    sections = {"": {"http_port": port}, "keys": {"algorithm": "ES256"}}
    async with open_home(tmp_path, persistence, sections=sections):
        pass
    file, key = tmp_path / "identra.toml", tmp_path / "master.key"
    ring = await _ring(file)
    wrong = token()
    key.write_text(wrong)
    said = _refused(file, "serve")
    assert "keys.master_key_files" in said
    assert wrong not in said
    assert "is sealed by master key" in said
    assert await _ring(file) == ring
    assert key.read_text() == wrong


async def test_parts_of_the_ring_can_not_be_exchanged(
    tmp_path: Path, persistence: Persistence
) -> None:
    """A writer of the database who has no master key can't put a key of hers in the ring."""
    async with open_home(tmp_path, persistence, sections=EXPECTED) as app:
        db, t = app.database, app.database.tables.keys
        rows = {row["purpose"]: row for row in await db.fetch(t.select())}
        signing, secret = rows["sig"], rows["mac"]
        hers = {"kty": "oct", "k": base64url(token_bytes())}
        forgeries: tuple[dict[Any, Any], ...] = (
            {t.sealed: secret["sealed"]},
            {t.sealed: signing["sealed"][:-4] + "AAAA"},
            {t.sealed: json.dumps(hers)},
            {t.sealed: "eyJhbGciOiJub25lIn0.."},
            {t.sealed: ""},
            {t.sealed_by: "0" * 16},
            {t.public: json.dumps(json.loads(signing["public"]) | {"x": base64url(bytes(32))})},
            {t.public: json.dumps(json.loads(signing["public"]) | {"kid": "other"})},
        )
        for forgery in forgeries:
            await db.change(t.update(forgery).where(t.id == signing["id"]))
            await app.keys.reload_or_warn()
            with pytest.raises(MasterKeyError):
                await app.keys.load()
            own = {t.sealed: signing["sealed"], t.public: signing["public"]}
            own[t.sealed_by] = signing["sealed_by"]
            await db.change(t.update(own).where(t.id == signing["id"]))
        await app.keys.load()
        await db.change(t.update({t.sealed: signing["sealed"]}).where(t.id == secret["id"]))
        with pytest.raises(MasterKeyError):
            await app.keys.load()


async def test_an_emptied_ring_is_not_filled_again_beside_a_served_one(
    tmp_path: Path, persistence: Persistence
) -> None:
    """A node that serves goes on with the ring it has; a new one does not start without."""
    async with open_house(tmp_path, persistence) as house:
        who, pair = await house.owner("ada@example.com")
        t = house.app.database.tables.keys
        await house.app.database.change(
            t.update({t.state: "revoked", t.slot: None}).where(t.id != "")
        )
        await house.app.keys.reload_or_warn()
        assert (await who.info(access(pair))).status_code == 200
        with pytest.raises(NoKeysError):
            await build(load(house.settings, {}))
        assert not await make_first_keys(load(house.settings, {}), house.app.database)
        assert len(await house.app.database.fetch(t.select())) == 2


async def test_any_of_several_master_keys_opens_and_the_first_seals(
    tmp_path: Path, persistence: Persistence
) -> None:
    """A new one is put first on every node without a stop."""
    await _first_start(tmp_path, persistence)
    new = tmp_path / "new.key"
    make_file(new)
    for order in (["master.key", "new.key"], ["new.key", "master.key"]):
        files = {"keys": {"master_key_files": [str(tmp_path / name) for name in order]}}
        async with open_house(tmp_path, persistence, sections=files) as house:
            who = house.caller()
            await who.ask_code("ada@example.com")
            tokens(await who.answer("ada@example.com", code_for(house.app, "ada@example.com")))
    only = {"keys": {"master_key_files": [str(new)]}}
    loaded = load(write_settings(tmp_path, persistence, sections=only), {})
    with pytest.raises(MasterKeyError):
        await build(loaded)


async def _first_start(folder: Path, place: Persistence) -> None:
    async with open_home(folder, place, sections=EXPECTED):
        pass
