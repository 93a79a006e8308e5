"""Whom allowances are about, and from which networks she is known."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from identra.caller import coarse_of
from identra.errors import StoreUnavailable
from identra.limits import OWNER
from identra.values import DAY

if TYPE_CHECKING:
    from identra.events import Events
    from identra.users import Users
    from identra.values import Clock, Peer

LATELY: Final = 30 * DAY
"""A network that a user logged in from within this time is hers, and has its own allowances."""
_NOBODY: Final = "-"

log = structlog.get_logger(__name__)


class Acquaintance:
    """Keeps the `Watch` contract of limits. A subject is `PROVIDER:RECIPIENT`, or an owner."""

    def __init__(self, users: Users, events: Events, clock: Clock) -> None:
        self._users = users
        self._events = events
        self._clock = clock

    async def user_of(self, subject: str) -> str | None:
        """The user whose address or channel's recipient it is; as much work without one.

        Of what she does signed in her own id is the subject.
        """
        provider, _, recipient = subject.partition(":")
        if provider == OWNER:
            return recipient
        by_address = await self._users.find(recipient)
        return await self._users.identified(provider, recipient) or by_address

    async def knows(self, subject: str, network: str) -> bool:
        """Whether the subject's user has logged in from this network lately.

        As much is asked of the database where there is no such user.
        """
        user_id = await self.user_of(subject)
        since = self._clock() - LATELY
        return await self._events.logged_in(user_id or _NOBODY, network, since)

    async def networks(self, subject: str) -> tuple[str, ...]:
        """The networks from which the subject's user has logged in lately."""
        user_id = await self.user_of(subject)
        since = self._clock() - LATELY
        return await self._events.logged_in_from(user_id, since) if user_id else ()

    async def is_strange(self, user_id: str, peer: Peer) -> bool:
        """Whether no login of hers that is on record came from the network around this one.

        That network is the one people are told of: providers give others' addresses anew, and a
        letter for each would teach everybody to read none.
        """
        here = coarse_of(peer.address)
        if here is None:
            return False
        known = await self._events.logged_in_from(user_id, 0)
        return here not in {coarse_of(one) for one in known}

    async def reached(self, limit: str, subject: str, peer: Peer) -> None:
        """Record `limit.reached`; that it can't be recorded changes no answer."""
        provider = subject.partition(":")[0]
        try:
            user_id = await self.user_of(subject)
            await self._events.record(
                "limit.reached", user_id=user_id, peer=peer, limit=limit, provider=provider
            )
        except StoreUnavailable as away:
            log.warning("limit not recorded", limit=limit, cause=away.detail)

    async def released(self, subject: str, by: str) -> None:
        """Record `limit.released`, as far as it can be recorded."""
        provider = subject.partition(":")[0]
        with suppress(StoreUnavailable):
            user_id = await self.user_of(subject)
            await self._events.record("limit.released", user_id=user_id, by=by, provider=provider)
