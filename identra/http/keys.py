"""The route of the public keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sanic.response import HTTPResponse

from identra.errors import RateLimited, StoreUnavailable
from identra.http.models import Empty, JwkSet
from identra.http.operation import CACHE_FOR_FIVE_MINUTES, Operation

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call

_NOT_MODIFIED = 304


async def jwks(app: App, call: Call, _query: Empty) -> HTTPResponse:
    """The keys that verify access tokens; 304 to a caller who has them."""
    published = app.keys.published()
    asked = ",".join(call.headers.getall("if-none-match", []))
    keep = f"public, max-age={app.settings.keys.jwks_max_age}"
    headers = {"ETag": published.etag, "Cache-Control": keep}
    if matches(asked, published.etag):
        return HTTPResponse(status=_NOT_MODIFIED, headers=headers)
    return HTTPResponse(published.body, headers=headers, content_type="application/json")


def matches(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match names this entity tag, compared weakly (RFC 9110, 13.1.2)."""
    if if_none_match.strip() == "*":
        return True
    named = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return etag.removeprefix("W/") in named


OPERATIONS = (
    Operation(
        "GET",
        "/.well-known/jwks.json",
        jwks,
        "Publish the keys that verify access tokens",
        "keys",
        gives={200: JwkSet, _NOT_MODIFIED: ""},
        fails=(RateLimited, StoreUnavailable),
        caching=CACHE_FOR_FIVE_MINUTES,
        headers=("ETag",),
        reads=("If-None-Match",),
    ),
)
