"""A plugin that blocks its worker's loop costs that worker a restart; the others go on."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import httpx
import running
from installing import installed

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

PROJECT = """
[project]
name = "identra-heavy"
version = "1.0"
[project.entry-points.identra]
heavy = "identra_heavy"
"""
SOURCE = """
import os, time
from identra.plugin import hookimpl

contract = 1

@hookimpl
async def check_password(choice):
    if choice.email.startswith("heavy"):
        open(os.environ["MARK"], "w").close()
        time.sleep(3600)
"""
SETTINGS = """
[plugins]
enabled = ["heavy"]
[password]
registration = "immediate"
"""
SOON = 10
BRISK = 3


def said(name: str) -> dict[str, str]:
    return {"email": f"{name}@example.com", "password": "correct horse battery"}


def test_its_worker_is_replaced_within_ten_seconds_while_the_other_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = tmp_path / "mark"
    monkeypatch.setenv("MARK", str(mark))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    with (
        installed(tmp_path, PROJECT, {"identra_heavy": SOURCE}),
        running.identra(tmp_path, "--workers", "2", extra=SETTINGS) as service,
    ):
        path, before = f"{service.url}/password/register", set(service.workers())

        def block() -> None:
            with suppress(httpx.HTTPError):
                httpx.post(path, json=said("heavy"), timeout=running.PATIENCE)

        blocked, began, longest = threading.Thread(target=block), time.monotonic(), 0.0
        blocked.start()
        while not mark.exists():  # what its worker had accepted by then ends with it
            assert time.monotonic() - began < SOON
            time.sleep(0.01)
        number, began = 0, time.monotonic()
        while len(set(service.workers()) - before) == 0:
            assert time.monotonic() - began < SOON
            asked, number = time.monotonic(), number + 1
            answer = httpx.post(path, json=said(f"ada{number}"), timeout=running.PATIENCE)
            assert answer.status_code == 200, answer.text
            longest = max(longest, time.monotonic() - asked)
        blocked.join()
        assert number > 5
        assert longest < BRISK
        assert len(before & set(service.workers())) == 1
        log = service.log.read_text()
        assert "loop blocked" in log
        assert "identra_heavy.py" in log
