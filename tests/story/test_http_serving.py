"""`identra serve` starts whole or not at all, survives its workers, and ends cleanly."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
import running

if TYPE_CHECKING:
    from collections.abc import Callable


def _until(holds: Callable[[], object], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.02)


def _refused(file: Path) -> str:
    """Start a service that can't, and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "identra", "serve", "--config", str(file)],
        capture_output=True,
        text=True,
        timeout=running.PATIENCE,
        check=False,
        env={k: v for k, v in os.environ.items() if not k.startswith("IDENTRA_")},
    )
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("arguments", [("--dev",), ("--workers", "2")])
def test_a_signal_ends_it_with_0(
    tmp_path: Path, number: signal.Signals, arguments: tuple[str, ...]
) -> None:
    with running.identra(tmp_path, *arguments) as service:
        assert httpx.get(f"{service.url}/readyz").json() == {"status": "ready"}
        service.process.send_signal(number)
        assert service.process.wait(5) == 0


def test_a_request_that_has_begun_is_answered_while_readyz_says_503(tmp_path: Path) -> None:
    """A body still on its way when the signal comes is a request in flight."""
    with running.identra(tmp_path) as service, socket.create_connection(service.address) as slow:
        head = b"POST /token/revoke HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        slow.sendall(head + b"Content-Length: 21\r\n\r\n{")
        assert httpx.get(f"{service.url}/readyz").status_code == 200
        service.process.send_signal(signal.SIGTERM)
        _until(lambda: httpx.get(f"{service.url}/readyz").status_code == 503)
        assert service.process.poll() is None
        slow.sendall(b'"refresh_token":"x"}')
        answer = slow.recv(4096)
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert b"connection: close" in answer
        assert service.process.wait(10) == 0


def test_an_idle_connection_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with running.identra(tmp_path) as service, httpx.Client(base_url=service.url) as client:
        assert client.get("/healthz").status_code == 200
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(5) == 0


def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    with running.identra(tmp_path, "--workers", "2") as service:
        before = set(service.workers())
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        _until(lambda: len(set(service.workers()) - before) == 1)
        assert httpx.get(f"{service.url}/readyz").status_code == 200
        assert service.stop() == 0


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    with running.identra(tmp_path, "--workers", "2") as service:
        workers = service.workers()
        service.process.kill()
        _until(lambda: not any(_runs(pid) for pid in workers))


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_taken_port_is_one_line_that_names_the_key(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        file = running.write_settings(tmp_path)
        file.write_text(file.read_text().replace("http_port = 0", f"http_port = {port}"))
        said = _refused(file)
    assert said.count("\n") == 1
    assert f"{file}: http_port: can't listen on 127.0.0.1 port {port}" in said


def test_a_fault_in_the_settings_is_one_line(tmp_path: Path) -> None:
    said = _refused(running.write_settings(tmp_path, "[auth]\ntoken_isuer = 'x'\n"))
    assert said.count("\n") == 1
    assert "auth.token_isuer" in said


def test_a_database_that_can_not_be_opened_is_one_line(tmp_path: Path) -> None:
    file = running.write_settings(tmp_path)
    (tmp_path / "identra.db").mkdir()
    said = _refused(file)
    assert said.count("\n") == 1, said
    assert "Traceback" not in said
