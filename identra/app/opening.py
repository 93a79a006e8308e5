"""Opening the edges: database, short-lived state, mail, network, hashing threads."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

import structlog

from identra import master
from identra.app.telling import record_events
from identra.challenges import SPENT_KEPT
from identra.db import open_database, open_theirs, why
from identra.errors import OperatorError, StoreUnavailable
from identra.events import Events
from identra.hashing import Hashing
from identra.housekeeping import Housekeeping
from identra.issuers import Issuers
from identra.keys import Keys, Lives, Steps
from identra.mail import NoMailer, Outbox, SmtpMailer
from identra.providers.oauth2 import OAuth2Place
from identra.providers.oidc import OIDCPlace, OIDCProvider
from identra.state.database import DatabaseState
from identra.state.redis import open_redis
from identra.tracer import UNTRACED
from identra.upstream import open_network
from identra.users import Departures, Users
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AsyncExitStack

    import httpx

    from identra.db import Database
    from identra.loader import Providers
    from identra.master import MasterKeys
    from identra.meter import Meter
    from identra.settings import Persistence, SettingsTree
    from identra.state import State
    from identra.tracer import Tracer
    from identra.values import Clock, Mailer, Upstream

MAIL_GRACE: Final = 5.0


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


async def settle_issuers(providers: Providers, db: Database, clock: Clock) -> Providers:
    """Those whose names stand for the places that they always did; the others are left out.

    Raises PluginError where the service does not start without one.
    """
    asked = providers.at_start()
    return asked.without(await moved_issuers(asked, db, clock))


async def moved_issuers(providers: Providers, db: Database, clock: Clock) -> Mapping[str, str]:
    """What is wrong with the places that names stand for now; those that are new are recorded.

    Whoever waits for another start does not serve, and stands for nothing yet.
    """
    serving = (one for one in providers.oauths if one.name not in providers.waiting)
    found = {one.name: one.issuer for one in serving}
    return await Issuers(db, Events(db, clock)).settle(found)


def hook_upstreams(
    providers: Providers, transport: httpx.AsyncBaseTransport | None, opened: AsyncExitStack
) -> Mapping[str, Upstream]:
    """For each plugin with hooks a way to the hosts that these declare and no others."""
    hooking = [plugin for plugin in providers.plugins if plugin.hooks and plugin.running]
    if not hooking:
        return {}
    network = open_network(transport)
    opened.push_async_callback(network.close)
    return {plugin.name: network.upstream(plugin.settings.reaches) for plugin in hooking}


def demand_fit_pages(providers: Providers, *, dev: bool) -> None:
    """Raise OperatorError for a page that is for development alone, unless this is."""
    if not dev:
        for says in unfit_pages(providers):
            raise OperatorError(says)


def unfit_pages(providers: Providers) -> Iterator[str]:
    """What is wrong with pages that mailed links lead to by plain http, in a line for each.

    A page that came that way could be another's, and hand the code on.
    """
    for one in providers.codes:
        if one.page.lower().startswith("http:"):
            yield f"providers.{one.name}: a page by plain http is for --dev alone"


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
    return Keys(db, keys, steps(tree, db, keys, record_events(tree, db, clock)), system_clock)


def steps(tree: SettingsTree, db: Database, keys: MasterKeys, events: Events) -> Steps:
    """What the ring's transactions are made of."""
    return Steps(db, keys, events, lives(tree))


def lives(tree: SettingsTree) -> Lives:
    """The longest that a token lives, and that anything proved by a ring secret does."""
    longest = max(tree.auth.session_max_age, SPENT_KEPT)
    return Lives(access=tree.auth.access_token_expiration, session=longest)


def housekeeping(tree: SettingsTree, db: Database, events: Events) -> Housekeeping:
    """Whoever removes what is over, as the settings say, and tells of users who are gone."""
    said = tree.housekeeping
    kept = None if said.events_kept is None else said.events_kept * SECOND
    departures = Departures(db, Users(db, events, system_clock), events)
    return Housekeeping(
        db, events_kept=kept, attempts_most=said.attempts_most, departures=departures
    )
