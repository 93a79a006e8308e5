"""Handing each room what it asks for, by name."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from identra import loader, master
from identra.account import Account
from identra.admission import Admission
from identra.app import opening
from identra.app.house import App
from identra.app.keyring import open_ring, rotation_policy
from identra.app.plugging import Plugged, plug
from identra.app.policies import oauth_policy, session_policy, token_policy
from identra.app.preparing import demand_schema
from identra.binding import Binding
from identra.challenges import Challenges
from identra.couriers import Couriers
from identra.devices import Devices
from identra.introspection import Introspection
from identra.limits import Limits
from identra.login import Login
from identra.mail import Outbox
from identra.nodes import Nodes
from identra.notices import Notices
from identra.refresh import Refresh
from identra.registration import Registration
from identra.roundtrip import Roundtrip
from identra.sessions import Roster, Sessions
from identra.tokens import Tokens
from identra.users import Users
from identra.values import Unmetered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    import httpx

    from identra.db import Database
    from identra.hashing import Hashing
    from identra.keys import Keys
    from identra.loader import Providers
    from identra.settings import Loaded, SettingsTree
    from identra.state import State
    from identra.tracer import Tracer
    from identra.values import Clock, Mailer, Meter, Upstream


async def build(
    loaded: Loaded,
    *,
    dev: bool = False,
    read_only: bool = False,
    swapped: Swapped | None = None,
    metering: Callable[[], Meter] = Unmetered,
) -> App:
    """Open everything and hand out the rooms; `read_only` ones find nothing to write to.

    `metering` gives what this process counts with.

    Raises OperatorError and StoreUnavailable; whatever was opened by then is closed.
    """
    swapped = swapped or Swapped()
    async with AsyncExitStack() as opened:
        tracer = opening.tracer(loaded.tree, opened)
        db = (await opening.database(loaded.tree, swapped.clock, opened)).traced(tracer)
        await demand_schema(db)
        holds = master.read_files(loaded.tree.keys.master_key_files).ids
        nodes = Nodes(db, read_only=read_only, holds=holds)
        await opening.keep_announcing(nodes, opened)
        usable = db.only_reading() if read_only else db
        edges = await _open_edges(
            loaded, usable, nodes, swapped, opened, meter=metering(), tracer=tracer, dev=dev
        )
        _keep_showing(loaded.tree, edges, opened)
        rooms = _furnish(loaded.tree, edges)
        return _hand_over(loaded.tree, edges, rooms, opened.pop_all(), dev=dev)


@dataclass(frozen=True, slots=True)
class Swapped:
    """The edges that tests may put in place of the real ones."""

    clock: Clock | None = None
    transport: httpx.AsyncBaseTransport | None = None
    mailer: Mailer | None = None
    plugins: Mapping[str, ModuleType] | None = None
    """Modules that stand for plugins, by name, though they are not installed."""


@dataclass(frozen=True, slots=True)
class Edges:
    """What a process deals with that is not its own."""

    clock: Clock
    providers: Providers
    db: Database
    nodes: Nodes
    state: State
    mailer: Mailer
    upstreams: Mapping[str, Upstream]
    keys: Keys
    hashing: Hashing
    meter: Meter
    tracer: Tracer
    plugged: Plugged


@dataclass(frozen=True, slots=True)
class _Rooms:
    sessions: Sessions
    users: Users
    tokens: Tokens
    account: Account
    limits: Limits
    challenges: Challenges
    couriers: Couriers
    admission: Admission
    roundtrip: Roundtrip


async def _open_edges(  # noqa: PLR0913 - what was opened before the edges, each by name
    loaded: Loaded,
    db: Database,
    nodes: Nodes,
    swapped: Swapped,
    opened: AsyncExitStack,
    *,
    meter: Meter,
    tracer: Tracer,
    dev: bool,
) -> Edges:
    tree, clock = loaded.tree, swapped.clock or opening.system_clock
    providers = loader.load_for(loaded, swapped.plugins)
    await opening.settle_issuers(providers, db, clock)
    keys = await open_ring(tree, db, clock, meter, opened)
    state = await opening.state(tree, db, opened)
    opening.keep_sweeping(tree, opening.housekeeping(tree, db), state, opened)
    mailer = swapped.mailer or await opening.mailer(tree, clock, opened, meter, dev=dev)
    return Edges(
        clock=clock,
        providers=providers,
        db=db,
        nodes=nodes,
        state=state,
        mailer=mailer,
        upstreams=opening.upstreams(providers, swapped.transport, opened, meter, tracer),
        keys=keys,
        hashing=opening.hashing(tree, opened),
        meter=meter,
        tracer=tracer,
        plugged=plug(
            tree,
            providers,
            db=db,
            clock=clock,
            mailer=mailer,
            transport=swapped.transport,
            opened=opened,
            meter=meter,
        ),
    )


def _keep_showing(tree: SettingsTree, edges: Edges, opened: AsyncExitStack) -> None:
    if edges.meter.on:
        from identra.app.gauging import keep_showing  # where nobody looks, nothing is paid for it

        keep_showing(edges, rotation_policy(tree), opened)


def _furnish(tree: SettingsTree, edges: Edges) -> _Rooms:
    clock, meter, db, state = edges.clock, edges.meter, edges.db, edges.state
    plugged, events = edges.plugged, edges.plugged.events
    tokens = Tokens(edges.keys, token_policy(tree), clock)
    claims = plugged.hooks.claims if plugged.hooks.has("claims") else None
    sessions = Sessions(db, edges.keys, tokens, events, session_policy(tree), claims=claims)
    users = Users(db, events, clock)
    limits = Limits(opening.counts(tree, state))
    challenges = Challenges(state, db, edges.keys, clock, digits=tree.codes.digits)
    notices = Notices(plugged.messenger, users, application=tree.mail.application_name)
    return _Rooms(
        sessions=sessions,
        users=users,
        tokens=tokens,
        account=Account(tokens, sessions, users, edges.providers),
        limits=limits,
        challenges=challenges,
        couriers=_couriers(tree, edges),
        admission=Admission(
            db=db,
            users=users,
            sessions=sessions,
            challenges=challenges,
            events=events,
            notices=notices,
            meter=meter,
            hooks=plugged.hooks,
        ),
        roundtrip=_roundtrip(tree, edges, challenges, limits),
    )


def _roundtrip(
    tree: SettingsTree, edges: Edges, challenges: Challenges, limits: Limits
) -> Roundtrip:
    places = opening.places(edges.providers, edges.upstreams, edges.clock)
    policy = oauth_policy(tree)
    return Roundtrip(edges.providers, places, challenges, limits, policy, meter=edges.meter)


def _couriers(tree: SettingsTree, edges: Edges) -> Couriers:
    return Couriers(
        edges.mailer,
        edges.upstreams,
        edges.plugged.hooks,
        edges.plugged.mishaps,
        application=tree.mail.application_name,
    )


def _hand_over(
    tree: SettingsTree, edges: Edges, rooms: _Rooms, opened: AsyncExitStack, *, dev: bool
) -> App:
    return App(
        settings=tree,
        dev=dev,
        providers=edges.providers,
        login=_login(tree, edges, rooms),
        binding=Binding(
            rooms.account,
            rooms.admission,
            rooms.roundtrip,
            edges.clock,
            edges.plugged.mishaps,
            requires_reauthentication=tree.auth.bind_requires_reauthentication,
        ),
        registration=_registration(tree, edges, rooms),
        refresh=Refresh(rooms.sessions),
        account=rooms.account,
        devices=Devices(edges.db, rooms.account, rooms.users, rooms.sessions, Roster(edges.db)),
        introspection=_introspection(tree, edges, rooms),
        users=rooms.users,
        sessions=rooms.sessions,
        keys=edges.keys,
        nodes=edges.nodes,
        outbox=edges.mailer if isinstance(edges.mailer, Outbox) else None,
        database=edges.db,
        state=edges.state,
        meter=edges.meter,
        tracer=edges.tracer,
        opened=opened,
    )


def _login(tree: SettingsTree, edges: Edges, rooms: _Rooms) -> Login:
    return Login(
        providers=edges.providers,
        account=rooms.account,
        admission=rooms.admission,
        challenges=rooms.challenges,
        couriers=rooms.couriers,
        hashing=edges.hashing,
        limits=rooms.limits,
        roundtrip=rooms.roundtrip,
        users=rooms.users,
        mishaps=edges.plugged.mishaps,
        clock=edges.clock,
        sign_up=tree.auth.sign_up == "open",
        meter=edges.meter,
    )


def _registration(tree: SettingsTree, edges: Edges, rooms: _Rooms) -> Registration:
    return Registration(
        providers=edges.providers,
        admission=rooms.admission,
        challenges=rooms.challenges,
        couriers=rooms.couriers,
        hashing=edges.hashing,
        limits=rooms.limits,
        users=rooms.users,
        clock=edges.clock,
        mode=tree.password.registration,
        acceptance=edges.plugged.acceptance,
        sign_up=tree.auth.sign_up == "open",
        meter=edges.meter,
    )


def _introspection(tree: SettingsTree, edges: Edges, rooms: _Rooms) -> Introspection | None:
    clients = {client.id: client.secret_sha256 for client in tree.introspection.clients}
    if not clients:
        return None
    return Introspection(
        clients, rooms.tokens, rooms.sessions, rooms.users, rooms.limits, meter=edges.meter
    )
