"""Routes of the signed-in person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.errors import InvalidToken, MissingToken, RateLimited, StoreUnavailable
from identra.http.call import bearer
from identra.http.models import Bearer, Connection, LoginInfo
from identra.http.operation import Operation

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call


async def login_info(app: App, call: Call, body: Bearer) -> LoginInfo:
    """The ways into the caller's account."""
    info = await app.account.login_info(bearer(call, body.access_token))
    return LoginInfo(
        user_id=info.user_id,
        email=info.email,
        email_verified=info.email_verified,
        password_enabled=info.password_enabled,
        github_id=info.github_id,
        oauth_connections=[
            Connection(provider=c.provider, provider_user_id=c.provider_user_id)
            for c in info.connections
        ],
    )


OPERATIONS = (
    Operation(
        "POST",
        "/me/login-info",
        login_info,
        "Tell the ways into the caller's account",
        "me",
        takes=Bearer,
        gives={200: LoginInfo},
        fails=(MissingToken, InvalidToken, RateLimited, StoreUnavailable),
        bearer="required",
    ),
)
