"""How long until the service is ready, and until the command line has said its help."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.served import environment, identra, served
from bench.service import write_settings
from identra.settings import Persistence

if TYPE_CHECKING:
    from collections.abc import Callable

PYTHON = "python -c pass"
HELP = "identra --help"
BARE = "bare Sanic, started"
FRESH = "identra serve, nothing there yet"
EXISTING = "identra serve, data there"


def measure(rounds: int) -> dict[str, list[float]]:
    """Seconds of each kind of start, by turns."""
    took: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="identra-bench-") as home:
        existing = _settings(Path(home, "existing"))
        _ready_in(identra("serve", "--config", str(existing)), existing.with_name("log"))
        for number in range(rounds):
            for name, seconds in _starts(Path(home, f"fresh-{number}"), existing).items():
                took.setdefault(name, []).append(seconds())
    return took


def _starts(new: Path, existing: Path) -> dict[str, Callable[[], float]]:
    fresh = _settings(new)
    log = existing.with_name("log")
    return {
        PYTHON: lambda: _done_in([sys.executable, "-c", "pass"]),
        HELP: lambda: _done_in(identra("--help")),
        BARE: lambda: _ready_in([sys.executable, "-m", "bench.bare", "sanic", "1"], log),
        FRESH: lambda: _ready_in(identra("serve", "--config", str(fresh)), log),
        EXISTING: lambda: _ready_in(identra("serve", "--config", str(existing)), log),
    }


def _settings(folder: Path) -> Path:
    folder.mkdir()
    return write_settings(folder, Persistence(driver="sqlite", name=str(folder / "identra.db")))


def _done_in(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment())
    return time.perf_counter() - began


def _ready_in(command: list[str], log: Path) -> float:
    with served(command, log) as server:
        return server.ready_in
