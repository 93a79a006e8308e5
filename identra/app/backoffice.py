"""What operators may do through the doors, where the settings let them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from identra.acquaintance import Acquaintance
from identra.adminkeys import AdminKeys
from identra.clearance import Clearance
from identra.dossier import Dossier
from identra.events import EventLog
from identra.keys import list_keys
from identra.limits import Ledger
from identra.office import Office
from identra.relief import Relief
from identra.sessions import Ending, Roster
from identra.users import Departures
from identra.values import SECOND

if TYPE_CHECKING:
    from identra.app.building import Edges
    from identra.app.furnishing import Rooms
    from identra.db import Database
    from identra.keys import KeyRow
    from identra.settings import SettingsTree


@dataclass(frozen=True, slots=True)
class BackOffice:
    """Every door asks `clearance` first, and then does one act of the others."""

    clearance: Clearance
    office: Office
    relief: Relief
    events: EventLog
    database: Database

    async def keys(self) -> tuple[KeyRow, ...]:
        """The ring's keys, newest first, without their private parts."""
        return await list_keys(self.database)


def open_backoffice(tree: SettingsTree, edges: Edges, rooms: Rooms) -> BackOffice | None:
    """The operators' rooms; None unless they are let in from outside."""
    if not tree.admin.enabled:
        return None
    db, events, clock = edges.db, edges.plugged.events, edges.clock
    known = Acquaintance(rooms.users, events, clock)
    return BackOffice(
        clearance=Clearance(AdminKeys(db, events, clock), rooms.limits, events, clock),
        office=_office(tree, edges, rooms),
        relief=Relief(Ledger(edges.state), edges.providers, rooms.users, known, events),
        events=EventLog(db),
        database=db,
    )


def _office(tree: SettingsTree, edges: Edges, rooms: Rooms) -> Office:
    db, plugged = edges.db, edges.plugged
    departures = Departures(db, rooms.users, plugged.events)
    return Office(
        db=db,
        providers=edges.providers,
        users=rooms.users,
        sessions=Ending(db, plugged.events),
        departures=departures,
        dossier=Dossier(db, rooms.users, Roster(db), departures),
        hashing=edges.hashing,
        clock=edges.clock,
        acceptance=plugged.acceptance,
        grace=tree.auth.deletion_grace * SECOND,
    )
