"""The real service for a test: as a process of its own, or its door within the test's loop."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wires import wire

from identra import app, settings
from identra.grpc.server import serving as grpc_serving
from identra.http.server import BOUNDS, serving, serving_operators

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import httpx

    from identra.app import App
    from identra.http.gate import Bounds

PATIENCE = 30
BASE = """
http_port = 0
grpc_port = 0
[persistence]
name = "{folder}/identra.db"
[keys]
master_key_files = ["{folder}/master.key"]
"""


@dataclass(frozen=True)
class Running:
    """A service that said it is ready."""

    url: str
    process: subprocess.Popen[str]
    log: Path
    grpc: str
    """Where it answers gRPC, HOST:PORT."""

    @property
    def address(self) -> tuple[str, int]:
        """Where its socket is."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    def workers(self) -> list[int]:
        """The process ids of those that answer, the oldest first."""
        parent = self.process.pid
        listed = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return [int(child) for child in listed.split()]

    def stop(self) -> int:
        """Ask it to end; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def identra(folder: Path, *arguments: str, extra: str = "") -> Iterator[Running]:
    """`identra serve` with these arguments on a database and a port of its own."""
    with started(write_settings(folder, extra), *arguments) as service:
        yield service


@contextmanager
def started(file: Path, *arguments: str) -> Iterator[Running]:
    """`identra serve` by a settings file, in a group of its own; it logs beside the file."""
    log = file.with_name("log")
    with log.open("a") as errors, _start(file, arguments, errors.fileno()) as process:
        try:
            assert process.stdout
            greeting = process.stdout.readline()
            assert greeting.startswith("Identra is ready at "), log.read_text()
            grpc = process.stdout.readline().split()[-1]
            yield Running(greeting.split()[-1], process, log, grpc)
        finally:
            process.terminate()
            process.wait(PATIENCE)


@asynccontextmanager
async def door(
    folder: Path,
    *,
    extra: str = "",
    dev: bool = True,
    bounds: Bounds = BOUNDS,
    transport: httpx.AsyncBaseTransport | None = None,
) -> AsyncIterator[tuple[App, str]]:
    """The hall and the URL of its REST door, within this test's own loop."""
    loaded = settings.load(write_settings(folder, extra), {}, dev=dev)
    await app.prepare(loaded)
    hall = await app.build(loaded, dev=dev, swapped=app.Swapped(transport=transport or wire()))
    try:
        async with door_of(hall, bounds=bounds) as url:
            yield hall, url
    finally:
        await hall.close()


@asynccontextmanager
async def door_of(hall: App, *, bounds: Bounds = BOUNDS) -> AsyncIterator[str]:
    """The URL of an open hall's REST door, within this test's own loop."""
    listening = socket.create_server(("127.0.0.1", 0))
    async with serving(hall, listening, bounds=bounds):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@asynccontextmanager
async def operators_of(hall: App) -> AsyncIterator[str]:
    """The URL of an open hall's operators' door, where it has a port of its own."""
    listening = socket.create_server(("127.0.0.1", 0))
    async with serving_operators(hall, listening):
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@asynccontextmanager
async def rpc_of(hall: App, *, whole_call: float = 15) -> AsyncIterator[str]:
    """Where an open hall's gRPC door is, HOST:PORT, within this test's own loop."""
    async with grpc_serving(hall, "127.0.0.1:0", whole_call=whole_call, lame=0) as port:
        yield f"127.0.0.1:{port}"


def write_settings(folder: Path, extra: str = "") -> Path:
    """A settings file for a service that touches nothing outside `folder`."""
    file = folder / "identra.toml"
    file.write_text(BASE.format(folder=folder) + extra)
    return file


def command(file: Path, *words: str, said: str = "") -> str:
    """Run another command of `identra` by a settings file, `said` to it; what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", "identra", *words, "--config", str(file)],
        input=said,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        env=_clean(),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _start(file: Path, arguments: tuple[str, ...], errors: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "identra", "serve", "--config", str(file), *arguments],
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env=_clean(),
        start_new_session=True,
    )


def _clean() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("IDENTRA_")}
