"""Cross-origin reading (the Fetch standard, 3.3), for the origins in the settings and no others.

sanic-ext is not used for it: it leaves out `Vary: Origin` where no origin matched, so that a
shared cache may hand a bare answer to an allowed page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from identra.settings import Cors

ANY = "*"
_ACCEPTED = "Authorization, Content-Type, Idempotency-Key, X-Request-ID"
_EXPOSED = "X-Request-ID, X-Attempt-ID, Retry-After, RateLimit-Policy, RateLimit, WWW-Authenticate"
_PREFLIGHT_AGE = "600"


def headers_for(
    cors: Cors | None,
    origin: str | None,
    *,
    preflight_of: str | None = None,
    methods: Iterable[str] = (),
) -> dict[str, str]:
    """The headers that let `origin` read an answer; none without `[cors]`.

    `preflight_of` is the Access-Control-Request-Method of an OPTIONS request, `methods` what
    its path answers to. `Vary` is sent whether or not the origin may read.
    """
    if cors is None:
        return {}
    anyone = ANY in cors.allowed_origins
    headers = {} if anyone else {"Vary": "Origin"}
    if origin is None or not (anyone or origin in cors.allowed_origins):
        return headers
    headers["Access-Control-Allow-Origin"] = ANY if anyone else origin
    if cors.allow_credentials:
        headers["Access-Control-Allow-Credentials"] = "true"
    if preflight_of is None:
        return headers | {"Access-Control-Expose-Headers": _EXPOSED}
    return headers | {
        "Access-Control-Allow-Methods": ", ".join(methods),
        "Access-Control-Allow-Headers": _ACCEPTED,
        "Access-Control-Max-Age": _PREFLIGHT_AGE,
    }
