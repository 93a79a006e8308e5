"""Exchanging and giving back refresh tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from identra.deadline import one_deadline
from identra.errors import InvalidRefreshToken

if TYPE_CHECKING:
    from identra.sessions import Sessions
    from identra.values import TokenPair

LONGEST: Final = 512


class Refresh:
    """The use of refresh tokens."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    @one_deadline
    async def exchange(self, refresh_token: str, *, idempotency_key: str | None) -> TokenPair:
        """The successor of a refresh token with a new access token (RFC 6749, 6; RFC 9700, 4.14).

        Raises InvalidRefreshToken for every cause.
        """
        _demand_short(refresh_token)
        refreshed = await self._sessions.refresh(refresh_token, idempotency_key=idempotency_key)
        return refreshed.pair

    @one_deadline
    async def revoke(self, refresh_token: str) -> None:
        """End the session any of whose tokens this is; nothing happens otherwise (RFC 7009)."""
        if len(refresh_token) <= LONGEST:
            await self._sessions.revoke_by_token(refresh_token)


def _demand_short(refresh_token: str) -> None:
    if len(refresh_token) > LONGEST:
        raise InvalidRefreshToken("too long")
