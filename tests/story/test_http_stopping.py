"""What a service that ends does with connections that come too late."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import httpx
import running

if TYPE_CHECKING:
    from pathlib import Path

MAIL = """
[smtp_mailer]
host = "127.0.0.1"
port = {port}
tls = "none"
from = "noreply@example.com"
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
