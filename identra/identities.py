"""The identities by which a signed-in user is known at other places."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from identra.deadline import one_deadline
from identra.errors import NotFound
from identra.mail.letters import Facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.account import Account, Caller
    from identra.db import Database
    from identra.notices import Notices
    from identra.users import Users
    from identra.values import Clock, Peer
    from identra.ways import Ways


class Identities:
    """Removes what binding adds. `ways` tells what opens accounts here at the moment."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through, each by name
        self,
        *,
        db: Database,
        account: Account,
        users: Users,
        notices: Notices,
        ways: Callable[[], Ways],
        clock: Clock,
    ) -> None:
        self._db = db
        self._account = account
        self._users = users
        self._notices = notices
        self._ways = ways
        self._clock = clock

    @one_deadline
    async def unlink(self, bearer: str | None, provider: str, peer: Peer) -> None:
        """Remove the caller's identities at a provider, and tell her.

        Raises MissingToken, InvalidToken, ReauthenticationRequired, NotFound where she has none
        there, and LastLoginMethod where nothing else would let her in.
        """
        caller = await self._account.identify(bearer)
        caller.demand_fresh(self._clock())
        await self._db.transact(partial(self._unlink, caller, provider, self._ways()))
        facts = Facts(provider=provider)
        await self._notices.tell("identity_unlinked", caller.user_id, facts, peer=peer)

    async def _unlink(self, caller: Caller, provider: str, ways: Ways) -> None:
        user = await self._account.take_turn(caller)
        left = tuple(one for one in user.identities if one.provider != provider)
        if len(left) == len(user.identities):
            raise NotFound("no identity of the caller's at that provider")
        ways.demand(replace(user, identities=left))
        await self._users.unlink(user.user_id, provider)
