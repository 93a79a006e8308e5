"""Routes of the signed-in person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.errors import InvalidToken, MissingToken, RateLimited, StoreUnavailable
from identra.http.call import bearer
from identra.http.models import Bearer, Connection, Empty, LoginInfo, Me, OwnAddress, OwnIdentity
from identra.http.operation import Operation
from identra.values import SECOND

if TYPE_CHECKING:
    from identra.account import Profile
    from identra.app import App
    from identra.http.call import Call
    from identra.users import User


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


async def me(app: App, call: Call, _query: Empty) -> Me:
    """What is kept of the caller."""
    return _me(await app.account.profile(bearer(call)))


def _me(profile: Profile) -> Me:
    user = profile.user
    return Me(
        user_id=user.user_id,
        addresses=addresses_of(user),
        identities=[
            OwnIdentity(
                provider=identity.provider,
                provider_user_id=identity.subject,
                username=identity.username,
                linked_at=identity.linked_at // SECOND,
            )
            for identity in profile.identities
        ],
        password_enabled=bool(user.secrets),
        created_at=user.created_at // SECOND,
        last_login_at=None if user.last_login_at is None else user.last_login_at // SECOND,
    )


def addresses_of(user: User) -> list[OwnAddress]:
    """A user's addresses as she is told of them."""
    return [
        OwnAddress(email=own.email, verified=own.proved_at is not None, primary=own == user.address)
        for own in user.addresses
    ]


OPERATIONS = (
    Operation(
        "GET",
        "/me",
        me,
        "Tell what is kept of the caller",
        "me",
        gives={200: Me},
        fails=(MissingToken, InvalidToken, RateLimited, StoreUnavailable),
        bearer="required",
    ),
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
