"""Where a house for a plugin stands: an empty database of its own, with the keys that go with it.

Migrating one and making keys takes longer than most rules. So that is done once in a process, and
each house gets a copy.
"""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from identra.app import prepare
from identra.settings import Loaded, SettingsTree

DATABASE: Final = "identra.db"
MASTER_KEY: Final = "master.key"


async def furnish(folder: Path) -> dict[str, Any]:
    """Put an empty database and its master key into a folder; the settings that lead there."""
    for name, held in (await asyncio.to_thread(_prepared)).items():
        file = folder / name
        file.touch(mode=0o600)
        file.write_bytes(held)
    return _settings(folder)


def _settings(folder: Path) -> dict[str, Any]:
    return {
        "persistence": {"name": str(folder / DATABASE)},
        "keys": {"algorithm": "ES256", "master_key_files": [folder / MASTER_KEY]},
        "password": {"registration": "immediate"},
    }


@cache
def _prepared() -> dict[str, bytes]:
    """What is in the files of a database that was just prepared."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(prepare(Loaded(SettingsTree.model_validate(_settings(folder)), None, ())))
        return {name: (folder / name).read_bytes() for name in (DATABASE, MASTER_KEY)}
