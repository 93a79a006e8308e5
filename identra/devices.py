"""Where somebody is signed in: seen and ended by herself alone."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from identra.deadline import one_deadline
from identra.errors import NotFound

if TYPE_CHECKING:
    from identra.account import Account, Caller
    from identra.db import Database
    from identra.sessions import Entry, Roster, Sessions


class Devices:
    """What a signed-in user may ask of her sessions; no other's is ever found here.

    Every call raises MissingToken, InvalidToken and StoreUnavailable. Whoever ends sessions must
    still be signed in when her turn comes: of two that end each other, one is left.
    """

    def __init__(self, db: Database, account: Account, sessions: Sessions, roster: Roster) -> None:
        self._db = db
        self._account = account
        self._sessions = sessions
        self._roster = roster

    @one_deadline
    async def list(self, bearer: str | None) -> tuple[tuple[Entry, bool], ...]:
        """The caller's live sessions, the last used first, each with whether it is this one."""
        caller = await self._account.identify(bearer)
        entries = await self._roster.live(caller.user_id)
        return tuple((entry, entry.session_id == caller.session_id) for entry in entries)

    @one_deadline
    async def end(self, bearer: str | None, session_id: str) -> None:
        """End a live session of the caller's, be it this one. Raises NotFound for any other."""
        caller = await self._account.identify(bearer)
        await self._db.transact(partial(self._end, caller, session_id))

    @one_deadline
    async def end_all(self, bearer: str | None, *, keep_current: bool) -> None:
        """End all sessions of the caller, or all but this; whoever is being let in ends too."""
        caller = await self._account.identify(bearer)
        kept = caller.session_id if keep_current else None
        await self._db.transact(partial(self._end_all, caller, kept))

    @one_deadline
    async def log_out(self, bearer: str | None) -> None:
        """End the caller's session."""
        caller = await self._account.identify(bearer)
        await self._sessions.revoke(caller.session_id, "asked", user_id=caller.user_id)

    async def _end(self, caller: Caller, session_id: str) -> None:
        await self._account.take_turn(caller)
        user_id = caller.user_id
        lives = await self._account.lives(session_id, user_id)
        if not lives or not await self._sessions.end(session_id, "asked", user_id=user_id):
            raise NotFound("no live session of the caller's")

    async def _end_all(self, caller: Caller, kept: str | None) -> None:
        await self._account.take_turn(caller)
        await self._sessions.revoke_all(caller.user_id, "asked", but=kept)
