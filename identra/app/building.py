"""Handing each room what it asks for, by name."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from identra import loader, master
from identra.app import keeping, mending, opening
from identra.app.backoffice import open_backoffice
from identra.app.furnishing import furnish
from identra.app.house import App
from identra.app.keyring import open_ring, rotation_policy
from identra.app.plugging import Plugged, plug
from identra.app.preparing import demand_schema
from identra.app.telling import keep_delivering
from identra.binding import Binding
from identra.devices import Devices
from identra.introspection import Introspection
from identra.limits import Calls
from identra.login import Login
from identra.mail import Outbox
from identra.meter import Unmetered
from identra.nodes import Nodes
from identra.refresh import Refresh
from identra.registration import Registration
from identra.sessions import Roster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    import httpx

    from identra.app.furnishing import Rooms
    from identra.attempts import Attempts
    from identra.db import Database
    from identra.hashing import Hashing
    from identra.keys import Keys
    from identra.loader import Providers
    from identra.meter import Meter
    from identra.settings import Loaded, SettingsTree
    from identra.state import State
    from identra.tracer import Tracer
    from identra.values import Clock, Mailer, Upstream


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
        await keeping.keep_announcing(nodes, opened)
        usable = db.only_reading() if read_only else db
        edges = await _open_edges(
            loaded, usable, nodes, swapped, opened, meter=metering(), tracer=tracer, dev=dev
        )
        opening.demand_fit_pages(edges.providers, dev=dev)
        sweeper = opening.housekeeping(loaded.tree, usable, edges.plugged.events)
        keeping.keep_sweeping(loaded.tree, sweeper, edges.state, opened)
        keep_delivering(loaded.tree, edges, opened)
        _keep_showing(loaded.tree, edges, opened)
        rooms = furnish(loaded.tree, edges)
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
    attempts: Attempts
    tracer: Tracer
    plugged: Plugged


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
    found = loader.load_for(loaded, swapped.plugins)
    providers = await opening.settle_issuers(found, db, clock)
    keys = await open_ring(tree, db, clock, meter, opened)
    state = await opening.state(tree, db, opened)
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
        attempts=keeping.keep_attempts(db, clock, opened),
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


def _hand_over(
    tree: SettingsTree, edges: Edges, rooms: Rooms, opened: AsyncExitStack, *, dev: bool
) -> App:
    return App(
        settings=tree,
        dev=dev,
        providers=edges.providers,
        login=_login(tree, edges, rooms),
        binding=_binding(tree, edges, rooms),
        registration=_registration(tree, edges, rooms),
        departure=mending.departure(tree, edges, rooms),
        addresses=mending.addresses(edges, rooms),
        identities=mending.identities(edges, rooms),
        passwords=mending.passwords(edges, rooms),
        reset=mending.reset(edges, rooms),
        refresh=Refresh(rooms.sessions),
        account=rooms.account,
        devices=Devices(edges.db, rooms.account, rooms.sessions, Roster(edges.db)),
        introspection=_introspection(tree, edges, rooms),
        backoffice=open_backoffice(tree, edges, rooms),
        office=mending.office(tree, edges, rooms),
        users=rooms.users,
        sessions=rooms.sessions,
        keys=edges.keys,
        nodes=edges.nodes,
        calls=Calls(),
        outbox=edges.mailer if isinstance(edges.mailer, Outbox) else None,
        database=edges.db,
        state=edges.state,
        meter=edges.meter,
        tracer=edges.tracer,
        opened=opened,
    )


def _login(tree: SettingsTree, edges: Edges, rooms: Rooms) -> Login:
    return Login(
        providers=edges.providers,
        account=rooms.account,
        admission=rooms.admission,
        challenges=rooms.challenges,
        couriers=rooms.couriers,
        hashing=edges.hashing,
        limits=rooms.limits,
        roundtrip=rooms.roundtrip,
        trial=rooms.trial,
        users=rooms.users,
        mishaps=edges.plugged.mishaps,
        attempts=edges.attempts,
        clock=edges.clock,
        sign_up=tree.auth.sign_up == "open",
        meter=edges.meter,
    )


def _binding(tree: SettingsTree, edges: Edges, rooms: Rooms) -> Binding:
    return Binding(
        rooms.account,
        rooms.admission,
        rooms.roundtrip,
        edges.clock,
        edges.plugged.mishaps,
        attempts=edges.attempts,
        requires_reauthentication=tree.auth.bind_requires_reauthentication,
    )


def _registration(tree: SettingsTree, edges: Edges, rooms: Rooms) -> Registration:
    return Registration(
        providers=edges.providers,
        admission=rooms.admission,
        challenges=rooms.challenges,
        couriers=rooms.couriers,
        hashing=edges.hashing,
        limits=rooms.limits,
        users=rooms.users,
        attempts=edges.attempts,
        clock=edges.clock,
        mode=tree.password.registration,
        acceptance=edges.plugged.acceptance,
        redemption=rooms.redemption,
        sign_up=tree.auth.sign_up == "open",
    )


def _introspection(tree: SettingsTree, edges: Edges, rooms: Rooms) -> Introspection | None:
    clients = {client.id: client.secret_sha256 for client in tree.introspection.clients}
    if not clients:
        return None
    return Introspection(
        clients, rooms.tokens, rooms.sessions, rooms.users, rooms.limits, meter=edges.meter
    )
