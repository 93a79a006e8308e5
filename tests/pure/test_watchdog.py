"""A loop that does not turn is seen, its stack is told, and its process ended."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from typing import NoReturn

import structlog
from structlog.testing import capture_logs

from identra.watchdog import watching


async def test_a_blocked_loop_is_bitten_and_its_stack_is_told() -> None:
    bitten = threading.Event()
    with capture_logs() as logged, watching(0.2, bite=bitten.set):
        _block_until(bitten)
    assert bitten.is_set()
    assert any("_block_until" in line for line in logged[0]["frames"])


def test_a_log_that_fails_holds_up_no_bite() -> None:
    def fail(*_: object) -> NoReturn:
        raise OSError("nobody reads the log")

    async def work(bitten: threading.Event) -> None:
        with watching(0.2, bite=bitten.set):
            _block_until(bitten)

    bitten = threading.Event()
    structlog.configure(processors=[fail])
    try:
        asyncio.run(work(bitten))
    finally:
        structlog.reset_defaults()
    assert bitten.is_set()


async def test_a_busy_loop_that_turns_is_left_alone() -> None:
    bitten = threading.Event()
    with watching(0.3, bite=bitten.set):
        until = time.monotonic() + 0.9
        while time.monotonic() < until:  # noqa: ASYNC110 - the turning is the point
            await asyncio.sleep(0)
    assert not bitten.is_set()


def test_a_process_that_was_paused_as_a_whole_goes_on() -> None:
    """A container or a machine that is frozen and thawed has no blocked loop."""
    with subprocess.Popen(
        [sys.executable, "-c", _WATCHED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as watched:
        assert watched.stdout
        assert watched.stdout.readline() == "watching\n"
        os.kill(watched.pid, signal.SIGSTOP)
        time.sleep(_BOUND * 1.5)
        os.kill(watched.pid, signal.SIGCONT)
        said, _ = watched.communicate("go on\n", timeout=30)
    assert (watched.returncode, said) == (0, "went on\n")


_BOUND = 1.0
_WATCHED = f"""
import asyncio, sys
from identra.watchdog import watching

async def work():
    with watching({_BOUND}):
        print("watching", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        await asyncio.sleep({_BOUND})
    print("went on")

asyncio.run(work())
"""


def _block_until(event: threading.Event) -> None:
    event.wait(5)
