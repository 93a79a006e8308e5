"""Opening the edges: database, short-lived state, mail, network, hashing threads."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from identra import master
from identra.db import open_database, open_theirs, why
from identra.errors import OperatorError, StoreUnavailable
from identra.events import Events
from identra.hashing import Hashing
from identra.housekeeping import SWEEP_LOOKS, Housekeeping
from identra.keys import RELOAD_EVERY, Keys
from identra.mail import NoMailer, Outbox, SmtpMailer
from identra.nodes import ANNOUNCE_EVERY
from identra.state.counting import SteadyCounts
from identra.state.database import DatabaseState
from identra.state.redis import open_redis
from identra.upstream import open_network
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx

    from identra.db import Database
    from identra.loader import Providers
    from identra.nodes import Nodes
    from identra.settings import Persistence, SettingsTree
    from identra.state import Counts, State
    from identra.values import Clock, Mailer, Upstream

MAIL_GRACE: Final = 5.0


def system_clock() -> int:
    """Unix microseconds by this machine."""
    return time.time_ns() // 1_000


async def database(tree: SettingsTree, clock: Clock | None, opened: AsyncExitStack) -> Database:
    """The database of the settings. Raises OperatorError where it can't be opened."""
    try:
        db = await open_database(tree.persistence, clock=clock)
    except ValueError as fault:
        raise OperatorError(str(fault)) from fault
    except StoreUnavailable as fault:
        raise OperatorError(why(tree.persistence, fault)) from fault
    opened.push_async_callback(db.close)
    return db


async def theirs(
    place: Persistence, called: Callable[[str], str], opened: AsyncExitStack
) -> Database:
    """Another program's database, which stays as it is. Raises OperatorError as `database`."""
    try:
        db = await open_theirs(place)
    except StoreUnavailable as fault:
        raise OperatorError(why(place, fault, called)) from fault
    opened.push_async_callback(db.close)
    return db


async def state(tree: SettingsTree, db: Database, opened: AsyncExitStack) -> State:
    """Redis where it is configured, else a table of the database."""
    store: State = open_redis(tree.redis) if tree.redis else DatabaseState(db)
    opened.push_async_callback(store.close)
    return store


def counts(tree: SettingsTree, store: State) -> Counts:
    """Where allowances are counted: a Redis that is away does not stop the counting."""
    return SteadyCounts(store) if tree.redis else store


async def mailer(tree: SettingsTree, clock: Clock, opened: AsyncExitStack, *, dev: bool) -> Mailer:
    """SMTP where it is configured, the outbox in development, else none."""
    if tree.smtp_mailer is None:
        return Outbox() if dev else NoMailer()
    smtp = SmtpMailer(tree.smtp_mailer, clock=clock)
    await smtp.start()
    opened.push_async_callback(smtp.close, MAIL_GRACE)
    return smtp


def upstreams(
    providers: Providers, transport: httpx.AsyncBaseTransport | None, opened: AsyncExitStack
) -> Mapping[str, Upstream]:
    """For each provider a way to its declared hosts and no others."""
    network = open_network(transport)
    opened.push_async_callback(network.close)
    return {name: network.upstream(provider.hosts) for name, provider in providers.on.items()}


def hashing(tree: SettingsTree, opened: AsyncExitStack) -> Hashing:
    """As many hashing threads as this process has processors."""
    hashes = Hashing(
        memory_kib=tree.password.argon2_memory_kib,
        time_cost=tree.password.argon2_time,
        parallelism=tree.password.argon2_parallelism,
        threads=os.cpu_count() or 1,
    )
    opened.callback(hashes.close)
    return hashes


def ring(tree: SettingsTree, db: Database, clock: Clock) -> Keys:
    """The key ring, not yet read. Raises MasterKeyError for files that can't be used."""
    keys = master.read_files(tree.keys.master_key_files)
    return Keys(db, keys, Events(db, clock), clock)


def housekeeping(tree: SettingsTree, db: Database) -> Housekeeping:
    """Whoever removes what is over, as the settings say."""
    kept = tree.housekeeping.events_kept
    return Housekeeping(db, events_kept=None if kept is None else kept * SECOND)


async def keep_reloading(keys: Keys, opened: AsyncExitStack) -> None:
    """Read the ring now and again every few seconds, for as long as the house is open."""
    await keys.load()
    _keep(RELOAD_EVERY / SECOND, keys.reload_or_warn, opened)


async def keep_announcing(nodes: Nodes, opened: AsyncExitStack) -> None:
    """Say that this node is up, now and again, until it is not."""
    await nodes.announce()
    opened.push_async_callback(nodes.leave_quietly)
    _keep(ANNOUNCE_EVERY, nodes.announce_or_warn, opened)


def keep_sweeping(
    tree: SettingsTree, housekeeping: Housekeeping, turns: State, opened: AsyncExitStack
) -> None:
    """Sweep every hour, for as long as the house is open; of all processes one does."""
    if tree.housekeeping.in_server and housekeeping.writes:
        _keep(SWEEP_LOOKS, partial(housekeeping.sweep_in_turn, turns), opened)


def _keep(seconds: float, act: Callable[[], Awaitable[None]], opened: AsyncExitStack) -> None:
    async def go_on() -> None:
        while True:
            await asyncio.sleep(seconds)
            await act()

    async def stop() -> None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    task = asyncio.create_task(go_on())
    opened.push_async_callback(stop)
