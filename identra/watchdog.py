"""A watchdog for the event loop: sees it blocked, tells where, and ends the process.

A plugin's code runs in our process. What awaits is cut off by its time limit; what blocks would
hold up every request for ever. The supervisor puts a fresh worker in the place of one that ends.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCKED = 5.0
_BEAT = 0.5

EXIT_BLOCKED = 70
"""The exit code of a worker whose loop was blocked (EX_SOFTWARE)."""


def end_process() -> None:
    """Leave at once: a blocked loop can't be asked to."""
    os._exit(EXIT_BLOCKED)


@contextmanager
def watching(bound: float = BLOCKED, *, bite: Callable[[], None] = end_process) -> Iterator[None]:
    """Watch the running loop; call `bite` once it has not turned for `bound` seconds.

    The blocked thread's stack, file and line of each frame, is logged before. Time in which the
    whole process stood still, frozen with its container or machine, is not held against the loop.
    """
    loop, watched = asyncio.get_running_loop(), threading.get_ident()
    every, missed, stopped = min(_BEAT, bound / 4), [0], threading.Event()

    def beat() -> None:
        missed[0] = 0

    def watch() -> None:
        while not stopped.wait(every):
            missed[0] += 1  # counted, not timed: this thread stands still with the process
            if missed[0] * every > bound:
                with suppress(Exception):  # whether or not it can be told, it must end
                    structlog.get_logger("identra").error("loop blocked", frames=_frames(watched))
                bite()
                return
            loop.call_soon_threadsafe(beat)

    thread = threading.Thread(target=watch, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def _frames(thread: int) -> list[str]:
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - the documented way to another thread's stack
    summary = traceback.extract_stack(frame)
    return [f"{one.filename}:{one.lineno} {one.name}" for one in summary]
