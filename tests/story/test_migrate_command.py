"""`identra migrate` says by its exit code whether there is something to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homes import write_settings

from identra.cli import run

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence


def test_checking_changes_nothing_and_tells_by_its_code(tmp_path: Path, empty: Persistence) -> None:
    config = ["--config", str(write_settings(tmp_path, empty))]
    assert run(["migrate", "--check", *config]) == 1
    assert run(["migrate", "--check", *config]) == 1
    assert run(["migrate", *config]) == 0
    assert run(["migrate", "--check", *config]) == 0
