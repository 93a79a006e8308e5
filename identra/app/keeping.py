"""What goes on for as long as the house is open."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from identra.attempts import Attempts
from identra.attempts.keeping import WRITE_EVERY
from identra.errors import IdentraError, OperatorError
from identra.housekeeping import SWEEP_LOOKS, Housekeeping
from identra.keys import RELOAD_EVERY, Keys
from identra.nodes import ANNOUNCE_EVERY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from identra.db import Database
    from identra.keys import Rotation
    from identra.nodes import Nodes
    from identra.settings import SettingsTree
    from identra.state import State
    from identra.values import Clock


ROTATION_LOOKS: Final = 30.0
"""Seconds between two looks whether a step of the key ring is due, or sooner where a key is
published for less than two minutes."""

log = structlog.get_logger(__name__)


async def keep_reloading(keys: Keys, opened: AsyncExitStack) -> None:
    """Read the ring now and again every few seconds, for as long as the house is open."""
    await keys.load()
    keep(RELOAD_EVERY, keys.reload_or_warn, opened)


def keep_rotating(
    tree: SettingsTree, rotation: Rotation, keys: Keys, db: Database, opened: AsyncExitStack
) -> None:
    """Rotate when it is due, for as long as the house is open; of all processes one does."""
    if tree.keys.rotate_in_server and db.writable:
        seconds = min(ROTATION_LOOKS, tree.keys.publish_ahead / 4)
        keep(seconds, partial(rotate_or_warn, rotation, keys), opened)


async def rotate_or_warn(rotation: Rotation, keys: Keys) -> None:
    """Take what is due and read the ring again; trouble is logged, and tried again."""
    try:
        rotated = await rotation.rotate()
    except (OperatorError, IdentraError) as fault:
        log.warning("key ring not rotated", cause=str(fault))
        return
    for done in rotated.done:
        log.info("key ring rotated", did=done.did, kid=done.kid)
    if rotated.done:
        await keys.reload_or_warn()


async def keep_announcing(nodes: Nodes, opened: AsyncExitStack) -> None:
    """Say that this node is up, now and again, until it is not."""
    await nodes.announce()
    opened.push_async_callback(nodes.leave_quietly)
    keep(ANNOUNCE_EVERY, nodes.announce_or_warn, opened)


def keep_attempts(db: Database, clock: Clock, opened: AsyncExitStack) -> Attempts:
    """Where attempts are kept, which are written for as long as the house is open."""
    attempts = Attempts(db, clock)
    opened.push_async_callback(attempts.close)
    keep(WRITE_EVERY, attempts.write, opened)
    return attempts


def keep_sweeping(
    tree: SettingsTree, sweeper: Housekeeping, turns: State, opened: AsyncExitStack
) -> None:
    """Sweep every hour, for as long as the house is open; of all processes one does."""
    if tree.housekeeping.in_server and sweeper.writes:
        keep(SWEEP_LOOKS, partial(sweeper.sweep_in_turn, turns), opened)


def keep(seconds: float, act: Callable[[], Awaitable[None]], opened: AsyncExitStack) -> None:
    """Do something every so many seconds, for as long as the house is open."""

    async def go_on() -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await act()
            except Exception as fault:  # noqa: BLE001 - one surprise must not end it for good
                _tell_surprise(fault)

    async def stop() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    task = asyncio.create_task(go_on())
    opened.push_async_callback(stop)


def _tell_surprise(fault: Exception) -> None:
    """What raised and where, without its message, which may hold a value."""
    *_, last = traceback.extract_tb(fault.__traceback__)
    log.error("upkeep failed", cause=type(fault).__name__, at=f"{last.filename}:{last.lineno}")
