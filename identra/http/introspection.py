"""The route where services ask what an access token is worth (RFC 7662)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from identra import errors
from identra.http.call import peer
from identra.http.models import TokenAsked, TokenTold
from identra.http.operation import Operation
from identra.introspection import Asker
from identra.values import SECOND

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call
    from identra.introspection import Active

LONGEST_LOGIN = 1024


async def introspect(app: App, call: Call, form: TokenAsked) -> TokenTold:
    """What an access token is worth now; anything else is inactive, without a reason."""
    if app.introspection is None:
        raise errors.NotFound("no clients are configured")
    asker = asker_of(call.headers.get("authorization", ""))
    active = await app.introspection.introspect(asker, form.token, peer(call, app.settings))
    return TokenTold(active=False) if active is None else _told(active)


def asker_of(authorization: str) -> Asker | None:
    """The client's id and secret, each form-encoded within HTTP Basic (RFC 6749, 2.3.1).

    None for anything that can't be read so.
    """
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() != "basic" or len(rest) > LONGEST_LOGIN:
        return None
    try:
        login = base64.b64decode(rest.strip(" \t"), validate=True).decode("ascii")
        client_id, _, secret = login.partition(":")
        return Asker(*(unquote_plus(part, errors="strict") for part in (client_id, secret)))
    except ValueError:
        return None


def _told(active: Active) -> TokenTold:
    told, origin = active.claims.told, active.origin
    return TokenTold(
        active=True,
        token_type="Bearer",  # noqa: S106 - the scheme's name (RFC 6750), no secret
        iss=told["iss"],
        sub=told["sub"],
        aud=told.get("aud"),
        exp=told["exp"],
        iat=told["iat"],
        nbf=told["nbf"],
        jti=told["jti"],
        sid=told["sid"],
        auth_time=origin.auth_time // SECOND,
        amr=list(origin.amr),
        idp=origin.idp,
    )


OPERATIONS = (
    Operation(
        "POST",
        "/introspect",
        introspect,
        "Ask what an access token is worth now",
        "tokens",
        takes=TokenAsked,
        gives={200: TokenTold},
        fails=(errors.InvalidClient, errors.RateLimited, errors.StoreUnavailable),
        client=True,
        form=True,
        counted=False,
    ),
)
