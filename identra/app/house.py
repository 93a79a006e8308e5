"""The house, open: what the doors may call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from identra.db.migrations import demand_workable
from identra.deadline import one_deadline
from identra.errors import OperatorError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from contextlib import AsyncExitStack

    from identra.account import Account
    from identra.addresses import Addresses
    from identra.app.backoffice import BackOffice
    from identra.binding import Binding
    from identra.db import Database
    from identra.departure import Departure
    from identra.devices import Devices
    from identra.identities import Identities
    from identra.introspection import Introspection
    from identra.keys import Keys
    from identra.limits import Calls
    from identra.loader import Providers
    from identra.login import Login
    from identra.mail import Outbox
    from identra.meter import Meter
    from identra.nodes import Nodes
    from identra.office import Office
    from identra.passwords import Passwords
    from identra.refresh import Refresh
    from identra.registration import Registration
    from identra.reset import Reset
    from identra.sessions import Sessions
    from identra.settings import SettingsTree
    from identra.state import State
    from identra.tracer import Tracer
    from identra.users import Users


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether calls can be served, and which parts are not in order."""

    ready: bool
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class App:
    """Use cases and rooms, opened by `build`; `close` gives everything back."""

    settings: SettingsTree
    dev: bool
    providers: Providers
    login: Login
    binding: Binding
    registration: Registration
    departure: Departure
    addresses: Addresses
    identities: Identities
    passwords: Passwords
    reset: Reset
    refresh: Refresh
    account: Account
    devices: Devices
    introspection: Introspection | None
    backoffice: BackOffice | None
    office: Office
    users: Users
    sessions: Sessions
    keys: Keys
    nodes: Nodes
    calls: Calls
    outbox: Outbox | None
    database: Database
    state: State
    meter: Meter
    tracer: Tracer
    opened: AsyncExitStack = field(repr=False)

    @one_deadline
    async def readiness(self) -> Readiness:
        """Ask the database, the ring and Redis, all at once, whether they do their work.

        A newer release may have changed the schema meanwhile, beyond what this one can work with.
        """
        database, written, keys, redis = await asyncio.gather(
            _works(demand_workable(self.database)),
            _works(self.nodes.reassure()),
            _works(self.keys.refresh()),
            _works(self.state.ping() if self.settings.redis else _nothing()),
        )
        degraded = {
            "database": not (database and written and self.database.room.left),
            "keys": database and not keys,  # without the one nobody can tell of the other
            "redis": not redis,
            "read-only": not self.database.writable,
        }
        return Readiness(database and keys, tuple(name for name, so in degraded.items() if so))

    async def close(self) -> None:
        """Send the mail that waits, give up every pool and thread."""
        await self.opened.aclose()


async def _works(asking: Awaitable[None]) -> bool:
    try:
        await asking
    except (StoreUnavailable, OperatorError):
        return False
    return True


async def _nothing() -> None:
    """What is not configured does not fail."""
