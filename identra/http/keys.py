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
    from identra.keys import Jwks
    from identra.settings import SettingsTree

PATH = "/.well-known/jwks.json"
_NOT_MODIFIED = 304


async def jwks(app: App, call: Call, _query: Empty) -> HTTPResponse:
    """The keys that verify access tokens; 304 to a caller who has them."""
    published = app.keys.published()
    asked = ",".join(call.headers.getall("if-none-match", []))
    headers = headers_of(published, app.settings)
    if matches(asked, published.etag):
        return HTTPResponse(status=_NOT_MODIFIED, headers=headers)
    return HTTPResponse(published.body, headers=headers, content_type="application/json")


def headers_of(published: Jwks, settings: SettingsTree) -> dict[str, str]:
    """What an answer says of the keys beside themselves."""
    keep = f"public, max-age={settings.keys.jwks_max_age}"
    return {"ETag": published.etag, "Cache-Control": keep}


def matches(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match names this entity tag, compared weakly (RFC 9110, 13.1.2)."""
    if if_none_match.strip() == "*":
        return True
    named = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return etag.removeprefix("W/") in named


OPERATIONS = (
    Operation(
        "GET",
        PATH,
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
