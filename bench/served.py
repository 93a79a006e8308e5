"""A server under measurement: started, timed, and asked of its system what it uses."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30
TICK = os.sysconf("SC_CLK_TCK")
KIB_PER_MIB = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process holds, in MiB. `shared` counts a page that n processes share as one nth."""

    resident: float
    peak: float
    shared: float


@dataclass(frozen=True, slots=True)
class Served:
    """A server that said it is ready, `ready_in` seconds after its start."""

    url: str
    process: subprocess.Popen[str]
    ready_in: float
    rpc: str = ""
    """Where it answers gRPC, HOST:PORT; empty where it does not."""

    @property
    def address(self) -> tuple[str, int]:
        """Where its socket is."""
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        return host, int(port)

    @property
    def rpc_address(self) -> tuple[str, int]:
        """Where its gRPC socket is."""
        host, _, port = self.rpc.rpartition(":")
        return host, int(port)

    def processes(self) -> list[int]:
        """The parent, then its workers."""
        parent = self.process.pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        return [parent, *map(int, children)]

    def worked(self) -> list[float]:
        """Seconds of processor time that the parent has used, then each worker."""
        return [_worked(pid) for pid in self.processes()]

    def memory(self) -> list[Memory]:
        """What the parent holds, then what each worker does."""
        return [_memory(pid) for pid in self.processes()]


@contextmanager
def served(command: list[str], log: Path) -> Iterator[Served]:
    """Run a server whose first line of output ends with its URL."""
    began = time.perf_counter()
    with log.open("a") as errors, _started(command, errors.fileno()) as process:
        try:
            assert process.stdout
            greeting = process.stdout.readline().split()
            ready_in = time.perf_counter() - began
            if not greeting:
                raise RuntimeError(f"{command}: {log.read_text()[-2000:]}")
            speaks = greeting[0] == "Identra"
            rpc = process.stdout.readline().split()[-1] if speaks else ""
            yield Served(greeting[-1], process, ready_in, rpc)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def identra(*words: str) -> list[str]:
    """The command line of Identra's command."""
    return [sys.executable, "-m", "identra", *words]


def environment() -> dict[str, str]:
    """The environment without any setting of Identra's."""
    return {k: v for k, v in os.environ.items() if not k.startswith("IDENTRA_")}


def _started(command: list[str], errors: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment(), cwd=ROOT
    )


def _worked(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK  # utime, stime (proc(5))


def _memory(pid: int) -> Memory:
    status = _fields(Path(f"/proc/{pid}/status"))
    try:
        share = _fields(Path(f"/proc/{pid}/smaps_rollup"))["Pss"]
    except PermissionError:  # Identra lets nobody but root look into its memory
        share = math.nan
    return Memory(status["VmRSS"] / KIB_PER_MIB, status["VmHWM"] / KIB_PER_MIB, share / KIB_PER_MIB)


def resident(pid: int) -> float:
    """What a process holds just now, in MiB."""
    return _fields(Path(f"/proc/{pid}/status")).get("VmRSS", 0) / KIB_PER_MIB


def _fields(file: Path) -> dict[str, float]:
    """The lines of a file in /proc that tell a number of kB."""
    lines = (line.split() for line in file.read_text().splitlines())
    return {words[0].rstrip(":"): float(words[1]) for words in lines if words[-1:] == ["kB"]}
