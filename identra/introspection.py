"""What an access token is worth at this moment, told to services that may ask (RFC 7662)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from identra.deadline import one_deadline
from identra.errors import InvalidClient, InvalidToken
from identra.limits import FAILING_CLIENT
from identra.meter import UNMETERED
from identra.secret import fingerprint, same, token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.limits import Limits
    from identra.meter import Meter
    from identra.sessions import Origin, Sessions
    from identra.tokens import Claims, Tokens
    from identra.users import Users
    from identra.values import Peer


@dataclass(frozen=True, slots=True)
class Asker:
    """Who a service says it is, and its secret to prove that."""

    client_id: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Active:
    """A token that holds: its claims, and its session's origin as it is on record."""

    claims: Claims
    origin: Origin


class Introspection:
    """Tells `clients` (the fingerprint of each one's secret by its id) of access tokens."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through, and the meter
        self,
        clients: Mapping[str, str],
        tokens: Tokens,
        sessions: Sessions,
        users: Users,
        limits: Limits,
        *,
        meter: Meter = UNMETERED,
    ) -> None:
        self._clients = clients
        self._tokens = tokens
        self._sessions = sessions
        self._users = users
        self._limits = limits
        self._meter = meter
        self._nobodys = fingerprint(token())

    @one_deadline
    async def introspect(self, asker: Asker | None, token: str, peer: Peer) -> Active | None:
        """What a token is worth, by its signature, its session and its user as they are now.

        None for whatever is no access token of ours or is over, without a reason, and without
        any effect on it. Raises InvalidClient, RateLimited, StoreUnavailable.
        """
        await self._admit(asker or Asker("", ""), peer)
        try:
            claims = await self._tokens.check(token)
            origin = await self._sessions.alive(claims.session_id, claims.user_id)
            if not await self._users.enabled(claims.user_id):
                raise InvalidToken("the user is gone or disabled")  # noqa: TRY301 - as for others
        except InvalidToken as refused:
            self._meter.token_refused(refused.detail)
            return None
        return Active(claims, origin)

    async def _admit(self, asker: Asker, peer: Peer) -> None:
        """Judge first and count then: past the allowance a right secret is told like a wrong one.

        Counting asks the store once, whoever asks and however it ends.
        """
        known = self._clients.get(asker.client_id)
        right = same(fingerprint(asker.secret), known or self._nobodys)
        if known is None or not right:
            await self._limits.spend_peer(FAILING_CLIENT, peer)
            raise InvalidClient(f"wrong secret of {asker.client_id}" if known else "unknown client")
        await self._limits.heed_peer(FAILING_CLIENT, peer)
