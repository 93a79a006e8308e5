"""What systemd is told: ready with the last worker, alive while a worker answers, stopping."""

from __future__ import annotations

import os
import signal
import socket
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import TYPE_CHECKING

import httpx
from running import write_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 30.0
EVERY = 2.0
"""Seconds in which the watchdog wants to hear something."""


@contextmanager
def supervised(folder: Path, address: str) -> Iterator[tuple[Popen[str], socket.socket]]:
    """`identra serve` with two workers, as systemd starts it, and the ear of systemd."""
    name = f"\0{address[1:]}" if address.startswith("@") else address
    told = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": str(int(EVERY * 1e6))}
    kept = {k: v for k, v in os.environ.items() if not k.startswith("IDENTRA_")}
    command = [sys.executable, "-m", "identra", "serve", "--workers", "2"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(name)
        ear.settimeout(PATIENCE)
        file = str(write_settings(folder))
        how = {"stdout": PIPE, "stderr": DEVNULL, "text": True, "env": kept | told}
        with Popen([*command, "--config", file], **how) as process:  # type: ignore[call-overload]
            try:
                yield process, ear
            finally:
                process.terminate()


def hear(ear: socket.socket) -> str:
    return ear.recv(4096).decode()


def heard_until_silence(ear: socket.socket) -> int:
    heard = 0
    with suppress(TimeoutError):
        while hear(ear):
            heard += 1
    return heard


def workers_of(process: Popen[str]) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(child) for child in children.split()]


def test_it_tells_that_it_is_ready_alive_and_stopping(tmp_path: Path) -> None:
    with supervised(tmp_path, f"@{tmp_path}/notify") as (process, ear):
        said = hear(ear)
        while "READY=1" not in said:
            assert said == "WATCHDOG=1"  # a worker that is quicker than the other
            said = hear(ear)
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        assert httpx.get(f"{url}/readyz").status_code == 200
        assert hear(ear) == hear(ear) == "WATCHDOG=1"
        process.terminate()
        while (said := hear(ear)) == "WATCHDOG=1":
            pass
        assert "STOPPING=1" in said
        assert process.wait(PATIENCE) == 0


def test_it_is_silent_while_no_worker_answers(tmp_path: Path) -> None:
    with supervised(tmp_path, f"{tmp_path}/notify") as (process, ear):
        while "READY=1" not in hear(ear):
            pass
        held = workers_of(process)
        assert len(held) == 2
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        ear.settimeout(EVERY)
        assert heard_until_silence(ear) <= 2  # what was on its way when they were held
        ear.settimeout(PATIENCE)
        os.kill(held[0], signal.SIGCONT)
        assert hear(ear) == "WATCHDOG=1"
        os.kill(held[1], signal.SIGCONT)
