"""Opening the edges: database, short-lived state, mail, network, hashing threads."""

from __future__ import annotations

import asyncio
import os
import time
import traceback
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from identra import master
from identra.challenges import SPENT_KEPT
from identra.db import open_database, open_theirs, why
from identra.errors import IdentraError, OperatorError, StoreUnavailable
from identra.events import Events
from identra.hashing import Hashing
from identra.housekeeping import SWEEP_LOOKS, Housekeeping
from identra.issuers import Issuers
from identra.keys import RELOAD_EVERY, Keys, Lives, Steps
from identra.loader import lacks
from identra.mail import NoMailer, Outbox, SmtpMailer
from identra.nodes import ANNOUNCE_EVERY
from identra.providers.oauth2 import OAuth2Place
from identra.providers.oidc import OIDCPlace, OIDCProvider
from identra.state.counting import SteadyCounts
from identra.state.database import DatabaseState
from identra.state.redis import open_redis
from identra.tracer import UNTRACED
from identra.upstream import open_network
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx

    from identra.db import Database
    from identra.keys import Rotation
    from identra.loader import Providers
    from identra.master import MasterKeys
    from identra.nodes import Nodes
    from identra.settings import Persistence, SettingsTree
    from identra.state import Counts, State
    from identra.tracer import Tracer
    from identra.values import Clock, Mailer, Meter, Upstream

MAIL_GRACE: Final = 5.0

ROTATION_LOOKS: Final = 30.0
"""Seconds between two looks whether a step of the key ring is due, or sooner where a key is
published for less than two minutes."""

log = structlog.get_logger(__name__)


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


def tracer(tree: SettingsTree, opened: AsyncExitStack) -> Tracer:
    """Whoever is told of requests, where traces are asked for; without, nothing is imported."""
    if tree.tracing is None:
        return UNTRACED
    from identra.tracing import open_telemetry

    telemetry = open_telemetry(tree.tracing)
    opened.push_async_callback(telemetry.close)
    return telemetry


def counts(tree: SettingsTree, store: State) -> Counts:
    """Where allowances are counted: a Redis that is away does not stop the counting."""
    return SteadyCounts(store) if tree.redis else store


async def mailer(
    tree: SettingsTree, clock: Clock, opened: AsyncExitStack, meter: Meter, *, dev: bool
) -> Mailer:
    """SMTP where it is configured, the outbox in development, else none."""
    if tree.smtp_mailer is None:
        return Outbox() if dev else NoMailer()
    smtp = SmtpMailer(tree.smtp_mailer, clock=clock, meter=meter)
    await smtp.start()
    opened.push_async_callback(smtp.close, MAIL_GRACE)
    return smtp


def upstreams(
    providers: Providers,
    transport: httpx.AsyncBaseTransport | None,
    opened: AsyncExitStack,
    meter: Meter,
    tracer: Tracer,
) -> Mapping[str, Upstream]:
    """For each provider a way to its declared hosts and no others."""
    network = open_network(transport)
    opened.push_async_callback(network.close)
    return {
        name: network.upstream(provider.reaches, name, meter, tracer)
        for name, provider in providers.on.items()
    }


def places(
    providers: Providers, upstreams: Mapping[str, Upstream], clock: Clock
) -> Mapping[str, OAuth2Place | OIDCPlace]:
    """The places that people are sent to."""
    return {
        one.name: OIDCPlace(one, upstreams[one.name], clock)
        if isinstance(one, OIDCProvider)
        else OAuth2Place(one, upstreams[one.name])
        for one in providers.oauths
    }


async def settle_issuers(providers: Providers, db: Database, clock: Clock) -> None:
    """See that every name that serves stands for the place that it always did.

    Raises OperatorError.
    """
    serving = {one.name: one.issuer for one in providers.oauths if lacks(one) is None}
    await Issuers(db, Events(db, clock)).settle(serving)


def hook_upstreams(
    providers: Providers, transport: httpx.AsyncBaseTransport | None, opened: AsyncExitStack
) -> Mapping[str, Upstream]:
    """For each plugin with hooks a way to the hosts that these declare and no others."""
    hooking = [plugin for plugin in providers.plugins if plugin.hooks]
    if not hooking:
        return {}
    network = open_network(transport)
    opened.push_async_callback(network.close)
    return {plugin.name: network.upstream(plugin.section.hosts) for plugin in hooking}


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
    return Keys(db, keys, steps(tree, db, keys, Events(db, clock)), system_clock)


def steps(tree: SettingsTree, db: Database, keys: MasterKeys, events: Events) -> Steps:
    """What the ring's transactions are made of."""
    return Steps(db, keys, events, lives(tree))


def lives(tree: SettingsTree) -> Lives:
    """The longest that a token lives, and that anything proved by a ring secret does."""
    longest = max(tree.auth.session_max_age, SPENT_KEPT)
    return Lives(access=tree.auth.access_token_expiration, session=longest)


def housekeeping(tree: SettingsTree, db: Database) -> Housekeeping:
    """Whoever removes what is over, as the settings say."""
    kept = tree.housekeeping.events_kept
    return Housekeeping(db, events_kept=None if kept is None else kept * SECOND)


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


def keep_sweeping(
    tree: SettingsTree, housekeeping: Housekeeping, turns: State, opened: AsyncExitStack
) -> None:
    """Sweep every hour, for as long as the house is open; of all processes one does."""
    if tree.housekeeping.in_server and housekeeping.writes:
        keep(SWEEP_LOOKS, partial(housekeeping.sweep_in_turn, turns), opened)


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
