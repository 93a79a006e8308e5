"""A loop that does not turn is seen, its stack is told, and its process ended."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
import time

from structlog.testing import capture_logs

from identra.watchdog import watching


async def test_a_blocked_loop_is_bitten_and_its_stack_is_told() -> None:
    bitten = threading.Event()
    with capture_logs() as logged, watching(0.2, bite=bitten.set):
        _block_until(bitten)
    assert bitten.is_set()
    assert any("_block_until" in line for line in logged[0]["frames"])


async def test_a_busy_loop_that_turns_is_left_alone() -> None:
    bitten = threading.Event()
    with watching(0.3, bite=bitten.set):
        until = time.monotonic() + 0.9
        while time.monotonic() < until:  # noqa: ASYNC110 - the turning is the point
            await asyncio.sleep(0)
    assert not bitten.is_set()


PAUSED = """
import asyncio
from identra import log
from identra.watchdog import watching

log.configure(dev=True)

async def main():
    with watching(0.4):
        print("watching", flush=True)
        await asyncio.to_thread(input)
        await asyncio.sleep(1)

asyncio.run(main())
"""


def test_a_process_that_stood_still_as_a_whole_is_no_blocked_loop() -> None:
    """A paused machine or container takes its work up again where it was."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", PAUSED], **pipes) as process:
        assert process.stdout
        assert process.stdin
        assert process.stdout.readline() == "watching\n"
        process.send_signal(signal.SIGSTOP)
        time.sleep(1)
        process.send_signal(signal.SIGCONT)
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.wait(10) == 0


def _block_until(event: threading.Event) -> None:
    event.wait(5)
