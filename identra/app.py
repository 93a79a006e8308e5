"""The composition root: opens what is needed, hands each room what it asks for, closes it all."""

from __future__ import annotations

import os
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from identra import loader, master
from identra.account import Account
from identra.admission import Admission
from identra.binding import Binding
from identra.challenges import Challenges
from identra.couriers import Couriers
from identra.db import open_database
from identra.db.migrations import migrate, pending
from identra.errors import OperatorError, StoreUnavailable
from identra.events import Events
from identra.hashing import Hashing
from identra.keys import Keys
from identra.limits import Limits
from identra.login import Login
from identra.mail import NoMailer, Outbox, SmtpMailer
from identra.notices import Notices
from identra.refresh import Refresh
from identra.registration import Registration
from identra.roundtrip import OAuthPolicy, Roundtrip
from identra.sessions import Policy, Sessions
from identra.state import open_state
from identra.tokens import TokenPolicy, Tokens
from identra.upstream import open_network
from identra.users import Users
from identra.values import SECOND

if TYPE_CHECKING:
    import httpx

    from identra.db import Database
    from identra.loader import Providers
    from identra.settings import Loaded, SettingsTree
    from identra.state import State
    from identra.values import Clock, Mailer


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether calls can be served, and which parts are missing without stopping them."""

    ready: bool
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class App:
    """The house, open: what the doors may call."""

    settings: SettingsTree
    dev: bool
    providers: Providers
    login: Login
    binding: Binding
    registration: Registration
    refresh: Refresh
    account: Account
    users: Users
    sessions: Sessions
    keys: Keys
    outbox: Outbox | None
    database: Database
    state: State
    _opened: AsyncExitStack

    async def readiness(self) -> Readiness:
        """Ask the database, the ring and the short-lived state whether they answer."""
        try:
            await self.database.ping()
            await self.keys.refresh()
        except (StoreUnavailable, OperatorError):
            return Readiness(ready=False)
        try:
            await self.state.ping()
        except StoreUnavailable:
            return Readiness(ready=True, degraded=("redis",))
        return Readiness(ready=True)

    async def close(self) -> None:
        """Send the mail that waits, give up every pool and thread."""
        await self._opened.aclose()


async def prepare(loaded: Loaded) -> None:
    """Make sure the service can start; once, before any worker does.

    SQLite is migrated and its keys made; other databases are only looked at. Raises
    OperatorError with the remedy, StoreUnavailable when the database does not answer.
    """
    tree = loaded.tree
    embedded = tree.persistence.driver == "sqlite"
    loader.load(tree.plugins.enabled, tree.providers, loaded.file)
    if embedded:
        master.make_file(tree.keys.master_key_files[0])
    async with AsyncExitStack() as opened:
        db = await _open_database(loaded, None, opened)
        await _settle_schema(db, embedded=embedded)
        keys = _keys(loaded, db, system_clock)
        if embedded:
            await keys.init(tree.keys.algorithm)
        await keys.load()


async def build(
    loaded: Loaded,
    *,
    dev: bool = False,
    clock: Clock | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> App:
    """Open everything and hand out the rooms; `clock` and `transport` are edges tests swap.

    Raises OperatorError and StoreUnavailable; whatever was opened by then is closed.
    """
    async with AsyncExitStack() as opening:
        app = await _furnish(loaded, dev, clock, transport, opening)
        opening.pop_all()
    return app


def system_clock() -> int:
    """Unix microseconds by this machine."""
    return time.time_ns() // 1_000


async def _furnish(
    loaded: Loaded,
    dev: bool,
    clock: Clock | None,
    transport: httpx.AsyncBaseTransport | None,
    opened: AsyncExitStack,
) -> App:
    tree, now = loaded.tree, clock or system_clock
    providers = loader.load(tree.plugins.enabled, tree.providers, loaded.file)
    db = await _open_database(loaded, clock, opened)
    if await pending(db):
        raise OperatorError(SCHEMA_REMEDY)
    state = await _open_state(tree, db, opened)
    mailer = await _open_mailer(tree, dev, opened)
    upstreams = _open_upstreams(providers, transport, opened)
    events = Events(db, now)
    keys = _keys(loaded, db, now)
    await keys.load()
    _keep_reloading(keys, opened)
    tokens = Tokens(keys, _token_policy(tree), now)
    sessions = Sessions(db, keys, tokens, events, _session_policy(tree))
    users = Users(db, events, now)
    account = Account(tokens, sessions, users, providers)
    limits = Limits(state)
    hashing = _open_hashing(tree, opened)
    challenges = Challenges(state, db, keys, now, digits=tree.codes.digits)
    notices = Notices(mailer, users, application=tree.mail.application_name)
    couriers = Couriers(mailer, upstreams, application=tree.mail.application_name)
    admission = Admission(db, users, sessions, challenges, events, notices)
    roundtrip = Roundtrip(providers, upstreams, challenges, limits, _oauth_policy(tree))
    sign_up = tree.auth.sign_up == "open"
    return App(
        settings=tree,
        dev=dev,
        providers=providers,
        login=Login(
            providers=providers,
            account=account,
            admission=admission,
            challenges=challenges,
            couriers=couriers,
            hashing=hashing,
            limits=limits,
            roundtrip=roundtrip,
            users=users,
            clock=now,
            sign_up=sign_up,
        ),
        binding=Binding(
            account,
            admission,
            roundtrip,
            now,
            requires_reauthentication=tree.auth.bind_requires_reauthentication,
        ),
        registration=Registration(
            providers=providers,
            admission=admission,
            challenges=challenges,
            couriers=couriers,
            hashing=hashing,
            limits=limits,
            users=users,
            clock=now,
            mode=tree.password.registration,
            shortest=tree.password.min_length,
            sign_up=sign_up,
        ),
        refresh=Refresh(sessions),
        account=account,
        users=users,
        sessions=sessions,
        keys=keys,
        outbox=mailer if isinstance(mailer, Outbox) else None,
        database=db,
        state=state,
        _opened=opened,
    )
