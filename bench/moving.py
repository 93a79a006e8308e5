"""Copying everything from SQLite into another store, by the command line, and what that holds."""

from __future__ import annotations

import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.growth import fill
from bench.served import environment, identra, resident
from bench.service import settle, write_settings
from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.stores import Store

LOOKS = 0.1
"""Seconds between two looks at its memory."""


@dataclass(frozen=True, slots=True)
class Copied:
    """How much was copied, how long that took, and the MiB it held at each look."""

    users: int
    rows: int
    seconds: float
    held: Sequence[float]

    def held_at(self, share: float) -> float:
        """What it held when that share of the time was over."""
        return self.held[int(share * (len(self.held) - 1))]


def measure(target: Store, users: int) -> Copied:
    """Copy so many users into a new database. Raises RuntimeError where that fails."""
    with tempfile.TemporaryDirectory(prefix="identra-bench-") as home:
        here, there = Path(home, "here"), Path(home, "there")
        for folder in (here, there):
            folder.mkdir()
        source = Persistence(driver="sqlite", name=str(here / "identra.db"))
        config = write_settings(here, source)
        settle(config)
        fill(source, users)
        with target.fresh(there) as place:
            return _copy(config, write_settings(there, place), users)


def _copy(here: Path, there: Path, users: int) -> Copied:
    command = identra("copy", "--config", str(here), "--to", str(there))
    began, held = time.perf_counter(), []
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as copying:
        while copying.poll() is None:
            held.append(resident(copying.pid))
            time.sleep(LOOKS)
        seconds = time.perf_counter() - began
        said, complained = copying.communicate()
    if copying.returncode:
        raise RuntimeError(f"{command}: {complained}")
    return Copied(users, int(said.split()[0]), seconds, [most for most in held if most])
