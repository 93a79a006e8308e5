"""A server's program on one port and one directory: ended, frozen and started again by a test."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE = 30.0


@dataclass
class Machine:
    """It does not run before `start`; `ready` tells whether it serves by now.

    `gentle` is the signal by which it ends without waiting for its clients.
    """

    what: str
    command: list[str]
    how: dict[str, Any]
    ready: Callable[[], bool]
    gentle: signal.Signals = signal.SIGTERM
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def pid(self) -> int:
        """The process that was started last."""
        assert self._process
        return self._process.pid

    def start(self) -> None:
        """Start it on what it held when it ended, and wait until it serves."""
        self._process = subprocess.Popen(
            self.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.how
        )
        until(self.ready, self.what)

    def end(self, by: signal.Signals | None = None) -> None:
        """End it and wait, if it runs; by SIGKILL all of its processes in the same moment."""
        assert self._process
        if self._process.poll() is not None:
            return
        for pid in family(self.pid) if by == signal.SIGKILL else [self.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, by or self.gentle)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it stand still meanwhile: its connections stay open, nothing is answered."""
        stopped = self._hold()
        try:
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _hold(self) -> list[int]:
        """Stop the oldest first, so that none is born unseen."""
        stopped: list[int] = []
        while born := [pid for pid in family(self.pid) if pid not in stopped]:
            for pid in born:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
        return stopped

    @contextmanager
    def up(self) -> Iterator[None]:
        """Run it meanwhile, whatever is done to it."""
        try:
            self.start()
            yield
        finally:
            if self._process:
                self.end()


def family(pid: int) -> list[int]:
    """A process and all that came of it, the oldest first."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except FileNotFoundError:
        return []
    return [pid, *(one for child in children for one in family(int(child)))]


def until(ready: Callable[[], bool], what: str, seconds: float = PATIENCE) -> float:
    """Wait for a server, with a bound; the seconds that it took."""
    began = time.monotonic()
    while not ready():
        if time.monotonic() > began + seconds:
            pytest.fail(f"{what} did not come within {seconds} seconds")
        time.sleep(0.05)
    return time.monotonic() - began


def missing(what: str) -> NoReturn:
    """Skip by name; where everything is required, fail."""
    if os.environ.get("IDENTRA_TEST_REQUIRE") == "all":
        pytest.fail(f"{what} is required here and was not found")
    pytest.skip(f"{what} was not found")


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody does."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def directory(at: Path | None = None) -> Iterator[tuple[str, dict[str, Any]]]:
    """A directory and the account to run as: PostgreSQL refuses to run as root."""
    home = tempfile.mkdtemp(prefix="identra-", dir=at)
    account: dict[str, Any] = {"cwd": home}
    if os.geteuid() == 0:
        known = {entry.pw_name: entry for entry in pwd.getpwall()}
        entry = known.get("postgres") or known["nobody"]
        os.chown(home, entry.pw_uid, entry.pw_gid)
        account |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    try:
        yield home, account
    finally:
        shutil.rmtree(home, ignore_errors=True)


def own(file: Path, home: str, account: dict[str, Any]) -> Path:
    """A copy that the server's account may read, and nobody else."""
    copy = Path(shutil.copy(file, home))
    copy.chmod(0o600)
    if "user" in account:
        os.chown(copy, account["user"], account["group"])
    return copy
