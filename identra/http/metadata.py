"""The route by which verifiers find their way (RFC 8414)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sanic.response import HTTPResponse

from identra.errors import RateLimited, StoreUnavailable
from identra.http.keys import matches
from identra.http.models import Empty, Metadata
from identra.http.operation import CACHE_FOR_FIVE_MINUTES, Operation, reply
from identra.secret import digest

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call

_NOT_MODIFIED = 304


async def metadata(app: App, call: Call, _query: Empty) -> HTTPResponse:
    """What a verifier needs to know; 304 to a caller who knows it."""
    answer = reply(describe(app))
    etag = f'"{digest("metadata", (answer.body or b"").decode())[:32]}"'
    if matches(",".join(call.headers.getall("if-none-match", [])), etag):
        return HTTPResponse(status=_NOT_MODIFIED, headers={"ETag": etag})
    answer.headers["ETag"] = etag
    return answer


def describe(app: App) -> Metadata:
    """The metadata: only what speaks the standard is an endpoint in it.

    The routes of refresh and revocation take JSON, so they are none; and the two lists are said
    though empty, because without the second its default would hold (RFC 8414, 2).
    """
    url = app.settings.public_url
    asked = app.introspection is not None
    published = json.loads(app.keys.published().body)["keys"]
    return Metadata(
        issuer=app.settings.auth.token_issuer,
        jwks_uri=f"{url}/.well-known/jwks.json",
        response_types_supported=[],
        grant_types_supported=[],
        introspection_endpoint=f"{url}/introspect" if asked else None,
        introspection_endpoint_auth_methods_supported=["client_secret_basic"] if asked else None,
        access_token_signing_alg_values_supported=sorted({key["alg"] for key in published}),
    )


OPERATIONS = (
    Operation(
        "GET",
        "/.well-known/oauth-authorization-server",
        metadata,
        "Tell verifiers where to find what they need",
        "keys",
        gives={200: Metadata, _NOT_MODIFIED: ""},
        fails=(RateLimited, StoreUnavailable),
        caching=CACHE_FOR_FIVE_MINUTES,
        headers=("ETag",),
        reads=("If-None-Match",),
    ),
)
