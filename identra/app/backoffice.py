"""What operators may do through the doors, where the settings let them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from identra.acquaintance import Acquaintance
from identra.adminkeys import AdminKeys
from identra.clearance import Clearance
from identra.events import EventLog
from identra.keys import list_keys
from identra.limits import Ledger
from identra.relief import Relief

if TYPE_CHECKING:
    from identra.app.building import Edges
    from identra.app.furnishing import Rooms
    from identra.db import Database
    from identra.keys import KeyRow
    from identra.settings import SettingsTree


@dataclass(frozen=True, slots=True)
class BackOffice:
    """Every door asks `clearance` first, and then does one act of the others, or of the office."""

    clearance: Clearance
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
        relief=Relief(Ledger(edges.state), edges.providers, rooms.users, known, events),
        events=EventLog(db),
        database=db,
    )
