"""What a person does to her own account, and operators to it: each handed what it asks for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from identra.addresses import Addresses
from identra.departure import Departure
from identra.dossier import Dossier
from identra.identities import Identities
from identra.office import Acts, Office
from identra.passwords import Passwords
from identra.reset import Reset
from identra.sessions import Ending, Roster
from identra.users import Departures, Finding
from identra.values import SECOND
from identra.ways import Ways, ways_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.app.building import Edges
    from identra.app.furnishing import Rooms
    from identra.app.plugging import Plugged
    from identra.db import Database
    from identra.hashing import Hashing
    from identra.loader import Providers
    from identra.notices import Notices
    from identra.settings import SettingsTree
    from identra.users import Users
    from identra.values import Clock


def departure(tree: SettingsTree, edges: Edges, rooms: Rooms) -> Departure:
    """Taking along what is held of oneself, and leaving."""
    departures = Departures(edges.db, rooms.users, edges.plugged.events)
    return Departure(
        db=edges.db,
        account=rooms.account,
        users=rooms.users,
        sessions=rooms.sessions,
        departures=departures,
        dossier=Dossier(edges.db, rooms.users, Roster(edges.db), departures),
        limits=rooms.limits,
        notices=rooms.notices,
        clock=edges.clock,
        grace=tree.auth.deletion_grace * SECOND,
    )


def addresses(edges: Edges, rooms: Rooms) -> Addresses:
    """A person's addresses."""
    return Addresses(
        db=edges.db,
        account=rooms.account,
        users=rooms.users,
        sessions=rooms.sessions,
        challenges=rooms.challenges,
        couriers=rooms.couriers,
        limits=rooms.limits,
        notices=rooms.notices,
        ways=partial(_ways, edges),
        secrets=tuple(one.name for one in edges.providers.secrets),
        clock=edges.clock,
    )


def identities(edges: Edges, rooms: Rooms) -> Identities:
    """What a person is known by at other places."""
    return Identities(
        db=edges.db,
        account=rooms.account,
        users=rooms.users,
        notices=rooms.notices,
        ways=partial(_ways, edges),
        clock=edges.clock,
    )


def passwords(edges: Edges, rooms: Rooms) -> Passwords:
    """Choosing a password while signed in."""
    return Passwords(
        db=edges.db,
        providers=edges.providers,
        account=rooms.account,
        users=rooms.users,
        sessions=rooms.sessions,
        acceptance=edges.plugged.acceptance,
        hashing=edges.hashing,
        limits=rooms.limits,
        trial=rooms.trial,
        notices=rooms.notices,
        clock=edges.clock,
    )


def reset(edges: Edges, rooms: Rooms) -> Reset:
    """A new password for whoever proves her address."""
    return Reset(
        providers=edges.providers,
        admission=rooms.admission,
        challenges=rooms.challenges,
        couriers=rooms.couriers,
        limits=rooms.limits,
        users=rooms.users,
        sessions=rooms.sessions,
        attempts=edges.attempts,
        clock=edges.clock,
        redemption=rooms.redemption,
        trial=rooms.trial,
    )


def office(tree: SettingsTree, edges: Edges, rooms: Rooms) -> Office:
    """The operators' room, as the doors know it; its letters leave like all others."""
    db, clock, plugged = edges.db, edges.clock, edges.plugged
    return open_office(
        db,
        clock,
        plugged,
        providers=edges.providers,
        users=rooms.users,
        notices=rooms.notices,
        hashing=edges.hashing,
        ways=partial(_ways, edges),
        grace=tree.auth.deletion_grace * SECOND,
    )


def open_office(  # noqa: PLR0913 - the rooms it walks through, each by name
    db: Database,
    clock: Clock,
    plugged: Plugged,
    *,
    providers: Providers,
    users: Users,
    notices: Notices,
    hashing: Hashing,
    ways: Callable[[], Ways],
    grace: int,
) -> Office:
    """The same of these rooms. `grace` is in microseconds."""
    events = plugged.events
    departures = Departures(db, users, events)
    return Office(
        db=db,
        providers=providers,
        users=users,
        finding=Finding(db),
        departures=departures,
        dossier=Dossier(db, users, Roster(db), departures),
        events=events,
        acts=Acts(users, Ending(db, events), departures, events, clock, grace=grace),
        notices=notices,
        hashing=hashing,
        acceptance=plugged.acceptance,
        ways=ways,
    )


def _ways(edges: Edges) -> Ways:
    return ways_of(edges.providers, mail=edges.mailer.configured)
