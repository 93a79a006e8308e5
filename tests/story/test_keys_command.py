"""`identra keys` on a database that has no tables yet, and what is said of a missing key file."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from homes import write_settings

from identra.app import prepare
from identra.cli import run
from identra.master import MasterKeyError, read_files
from identra.settings import load

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence


def test_the_first_keys_are_made_or_the_remedy_is_named(
    tmp_path: Path, empty: Persistence, capsys: pytest.CaptureFixture[str]
) -> None:
    config = ["--config", str(write_settings(tmp_path, empty))]
    if empty.driver == "sqlite":
        assert run(["keys", "init", *config]) == 0
        assert run(["keys", "list", *config]) == 0
        assert "active" in capsys.readouterr().out
        return
    assert run(["keys", "init", *config]) == 1
    assert "run `identra migrate`" in capsys.readouterr().err
    assert not (tmp_path / "master.key").exists()
    assert run(["migrate", *config]) == 0
    assert run(["keys", "init", *config]) == 0


def test_a_start_without_the_master_key_says_what_to_run(
    tmp_path: Path, persistence: Persistence
) -> None:
    file = write_settings(tmp_path, persistence)
    if persistence.driver == "sqlite":
        assert run(["keys", "init", "--config", str(file)]) == 0
        (tmp_path / "master.key").unlink()
    with pytest.raises(MasterKeyError, match=r"put it back, or .* run `identra keys init`"):
        asyncio.run(prepare(load(file, {})))


def test_a_file_of_raw_bytes_holds_no_key(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    file.write_bytes(bytes(range(200, 232)))
    file.chmod(0o600)
    with pytest.raises(MasterKeyError, match="holds no 256-bit key"):
        read_files([file])
