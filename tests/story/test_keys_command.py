"""`identra keys` on a database that has no tables yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homes import write_settings

from identra.cli import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

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
