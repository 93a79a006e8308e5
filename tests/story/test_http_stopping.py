"""How a service and its workers end, and what is told of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import running

if TYPE_CHECKING:
    from collections.abc import Iterator

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
MAIL = """
[smtp_mailer]
host = "127.0.0.1"
port = {port}
tls = "none"
from = "noreply@example.com"
"""

KILLED_AT_THE_START = """
import os, signal
from identra.workers import Workers
def work(lifeline, word):
    os.kill(os.getpid(), signal.SIGKILL)
raise SystemExit(Workers(work, lambda: None).keep(1, lambda: None))
"""


def _refused(address: tuple[str, int]) -> bool:
    try:
        socket.create_connection(address, timeout=5).close()
    except ConnectionRefusedError:
        return True
    except ConnectionResetError:
        return False  # it came in the very moment of closing
    return False


def test_once_nobody_listens_a_connection_is_refused_not_kept_waiting(tmp_path: Path) -> None:
    """While a worker still hands its mail over, a caller must learn at once to go elsewhere."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        extra = MAIL.format(port=silent.getsockname()[1])
        with running.identra(tmp_path, "--workers", "2", extra=extra) as service:
            asked = httpx.post(f"{service.url}/email/code", json={"email": "a@example.com"})
            assert asked.json() == {}
            service.process.terminate()
            until = time.monotonic() + 4
            while not _refused(service.address):
                assert time.monotonic() < until, "it still takes connections"
            assert service.process.poll() is None, "the mail was not waited for"


def test_the_log_tells_what_ended_a_worker(tmp_path: Path) -> None:
    """Signal 9 is how a machine short of memory ends one: an operator must see it."""
    with running.identra(tmp_path) as service:
        pid = int(
            Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text()
        )
        os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + 10
        while not (ended := list(_told(service.log, "worker ended"))):
            assert time.monotonic() < until, "its end was not told"
            time.sleep(0.02)
    assert (ended[0]["pid"], ended[0]["by"]) == (pid, "signal 9")


def test_a_worker_that_is_killed_before_all_were_ready_is_told() -> None:
    """The service then ends: a machine short of memory at the start must not look like nothing."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_THE_START], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "service not started" in done.stdout
    assert "signal 9" in done.stdout


def test_a_service_that_is_left_without_workers_starts_one_at_once(tmp_path: Path) -> None:
    """Callers wait for it; that it ended young holds up those that others stand in for."""
    with running.identra(tmp_path) as service:
        for ends in range(1, 4):
            began = time.monotonic()
            while len(service.workers()) == 0 or time.monotonic() < began + 1:
                time.sleep(0.02)
            os.kill(service.workers()[0], signal.SIGKILL)
            until = time.monotonic() + 10
            while len(ended := list(_told(service.log, "worker ended"))) < ends:
                assert time.monotonic() < until, "its end was not told"
                time.sleep(0.02)
            assert float(str(ended[-1]["wait"])) == pytest.approx(0, abs=0.2)


def _told(log: Path, event: str) -> Iterator[dict[str, object]]:
    facts = (json.loads(line) for line in log.read_text().splitlines())
    return (fact for fact in facts if fact["event"] == event)


async def test_whoever_knocked_before_the_door_closed_is_answered(tmp_path: Path) -> None:
    """Nobody has taken the connection yet when the service is told to stop."""
    async with running.door(tmp_path) as (_, url):
        caller = knock(url)
        caller.sendall(HEALTH)
    assert answer_to(caller).startswith(b"HTTP/1.1 200")


async def test_whoever_was_let_in_before_the_door_closed_may_ask(tmp_path: Path) -> None:
    """The connection was taken, and its request is still on its way."""
    async with running.door(tmp_path) as (_, url):
        caller = knock(url)
        await asyncio.sleep(0.1)
        threading.Timer(0.1, lambda: caller.sendall(HEALTH)).start()
    assert answer_to(caller).startswith(b"HTTP/1.1 200")


def knock(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=5)


def answer_to(caller: socket.socket) -> bytes:
    """All that comes until the connection ends, or nothing where it was broken."""
    with caller, suppress(ConnectionError):
        return b"".join(iter(lambda: caller.recv(4096), b""))
    return b""
