"""A caller who hangs up is told in the log as one, not as a failure of the service."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

import running

if TYPE_CHECKING:
    from pathlib import Path

SLOW = (
    b"POST /token/revoke HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    b"Content-Length: 21\r\nExpect: 100-continue\r\n\r\n"
)


def test_a_caller_who_hangs_up_counts_as_no_answer(tmp_path: Path) -> None:
    with running.identra(tmp_path) as service:
        with socket.create_connection(service.address) as wire:
            wire.sendall(SLOW)
            assert wire.recv(4096).startswith(b"HTTP/1.1 100 ")
        until = time.monotonic() + 10
        while not (left := _told(service.log, "caller left")):
            assert time.monotonic() < until, service.log.read_text()
            time.sleep(0.02)
        assert _told(service.log, "answered") == []
    assert not {"status", "reason"} & left[0].keys()


def _told(log: Path, event: str) -> list[dict[str, Any]]:
    facts = (json.loads(line) for line in log.read_text().splitlines())
    return [fact for fact in facts if fact["event"] == event]
