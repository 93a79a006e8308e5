"""Routes of the refresh token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.errors import InvalidRefreshToken, ProviderUnavailable, RateLimited, StoreUnavailable
from identra.http.models import Empty, RefreshToken, Tokens
from identra.http.operation import Operation

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call


async def refresh(app: App, call: Call, body: RefreshToken) -> Tokens:
    """Exchange a refresh token for its successor."""
    key = call.headers.get("idempotency-key")
    return Tokens.of(await app.refresh.exchange(body.refresh_token, idempotency_key=key))


async def revoke(app: App, _call: Call, body: RefreshToken) -> Empty:
    """End the session of a refresh token; an unknown one is no error (RFC 7009, 2.2)."""
    await app.refresh.revoke(body.refresh_token)
    return Empty()


OPERATIONS = (
    Operation(
        "POST",
        "/token/refresh",
        refresh,
        "Exchange a refresh token for a new pair",
        "tokens",
        takes=RefreshToken,
        gives={200: Tokens},
        fails=(InvalidRefreshToken, RateLimited, StoreUnavailable, ProviderUnavailable),
        reads=("Idempotency-Key",),
    ),
    Operation(
        "POST",
        "/token/revoke",
        revoke,
        "End the session of a refresh token",
        "tokens",
        takes=RefreshToken,
        fails=(RateLimited, StoreUnavailable),
    ),
)
