"""Taking along what is held of oneself, and leaving."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from identra.deadline import one_deadline
from identra.errors import InvalidToken
from identra.limits import ACCOUNT, owner
from identra.mail.letters import Facts

if TYPE_CHECKING:
    from identra.account import Account, Caller
    from identra.db import Database
    from identra.dossier import Dossier
    from identra.limits import Limits
    from identra.notices import Notices
    from identra.sessions import Sessions
    from identra.users import Departures, Users
    from identra.values import Clock, Peer


class Departure:
    """What a signed-in user may do with all that is hers at once. `grace` is in microseconds."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through, each by name
        self,
        *,
        db: Database,
        account: Account,
        users: Users,
        sessions: Sessions,
        departures: Departures,
        dossier: Dossier,
        limits: Limits,
        notices: Notices,
        clock: Clock,
        grace: int,
    ) -> None:
        self._db = db
        self._account = account
        self._users = users
        self._sessions = sessions
        self._departures = departures
        self._dossier = dossier
        self._limits = limits
        self._notices = notices
        self._clock = clock
        self._grace = grace

    @one_deadline
    async def export(self, bearer: str | None, peer: Peer) -> dict[str, Any]:
        """Everything that is held about the caller.

        Raises MissingToken, InvalidToken, RateLimited.
        """
        caller = await self._account.identify(bearer)
        await self._limits.spend(ACCOUNT, owner(caller.user_id), peer)
        user = await self._users.user(caller.user_id)
        if user is None:
            raise InvalidToken("the user is gone")
        return await self._dossier.of(user)

    @one_deadline
    async def leave(self, bearer: str | None, peer: Peer) -> int:
        """Disable the caller, end her sessions, and tell her; when she will be gone (µs).

        Until then an operator can let her in again, and nobody else: whoever proves to be she is
        told that she is disabled. Raises MissingToken, InvalidToken, ReauthenticationRequired.
        """
        caller = await self._account.identify(bearer)
        now = self._clock()
        caller.demand_fresh(now)
        await self._db.transact(partial(self._leave, caller, now))
        until = now + self._grace
        await self._notices.tell("deletion_asked", caller.user_id, Facts(until=until), peer=peer)
        return until

    async def _leave(self, caller: Caller, now: int) -> None:
        user = await self._account.take_turn(caller)
        await self._departures.begin(user.user_id, at=now, leaves_at=now + self._grace)
        await self._sessions.revoke_all(user.user_id, "disabled")
