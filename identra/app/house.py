"""The house, open: what the doors may call."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from identra.db.migrations import demand_workable
from identra.deadline import one_deadline
from identra.errors import OperatorError, StoreUnavailable

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    from identra.account import Account
    from identra.binding import Binding
    from identra.db import Database
    from identra.keys import Keys
    from identra.loader import Providers
    from identra.login import Login
    from identra.mail import Outbox
    from identra.refresh import Refresh
    from identra.registration import Registration
    from identra.sessions import Sessions
    from identra.settings import SettingsTree
    from identra.state import State
    from identra.users import Users


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether calls can be served, and which parts are missing without stopping them."""

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
    refresh: Refresh
    account: Account
    users: Users
    sessions: Sessions
    keys: Keys
    outbox: Outbox | None
    database: Database
    state: State
    opened: AsyncExitStack = field(repr=False)

    @one_deadline
    async def readiness(self) -> Readiness:
        """Ask the database, the ring and the short-lived state whether they answer.

        A newer release may have changed the schema meanwhile, beyond what this one can work with.
        """
        try:
            await demand_workable(self.database)
            await self.keys.refresh()
        except (StoreUnavailable, OperatorError):
            return Readiness(ready=False)
        degraded = [] if self.database.writable else ["read-only"]
        try:
            await self.state.ping()
        except StoreUnavailable:
            degraded.append("redis")
        return Readiness(ready=True, degraded=tuple(degraded))

    async def close(self) -> None:
        """Send the mail that waits, give up every pool and thread."""
        await self.opened.aclose()
