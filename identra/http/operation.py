"""An operation: one method on one path, with everything that may be said about it.

The routes are made from operations, and so is the OpenAPI document: what one does not declare,
the other can't promise.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sanic.response import HTTPResponse

from identra.http.models import Empty, View

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from identra.app import App
    from identra.clearance import Act as Cleared
    from identra.errors import IdentraError
    from identra.http.call import Call
    from identra.http.errors import BearerUse

Answer: TypeAlias = View | HTTPResponse
Act: TypeAlias = "Callable[[App, Call, Any], Awaitable[Answer]]"
"""What an operation does: the hall, the call, and its body or arguments as `takes` reads them."""

CACHE_FOR_FIVE_MINUTES = "public, max-age=300"
NO_STORE = "no-store"

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Headers of every answer; a page of documentation brings its own policy."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path: what it takes and gives, how it can fail, who may keep the answer.

    A path holds `{name}` where a part of it is the caller's to say. `takes` is the body of a POST
    or PUT (with `form` as a form, not JSON) and the query of any other. `gives` names the model of
    each status, or the media type where the answer is no JSON. `caching` is the Cache-Control of
    its answers. `client` demands a service's own secret, by HTTP Basic. `clears` demands an admin
    key that may do that; such a route is at the root alone, and no other origin's page reads it.
    `counted` takes each call from what its peer's network has for calls.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    act: Act
    summary: str
    topic: str
    takes: type[View] = Empty
    gives: dict[int, type[Any] | str] = field(default_factory=lambda: {200: Empty})
    fails: tuple[type[IdentraError], ...] = ()
    bearer: BearerUse = "none"
    client: bool = False
    clears: Cleared | None = None
    form: bool = False
    counted: bool = True
    caching: str = NO_STORE
    headers: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods it answers to: HEAD wherever GET does (RFC 9110, 9.3.2)."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)

    @property
    def has_body(self) -> bool:
        """Whether it takes a body."""
        return self.method in {"POST", "PUT"}

    @property
    def asks_who(self) -> bool:
        """Whether a 401 of it says how to tell who is asking."""
        return self.client or self.bearer != "none"

    @property
    def parts(self) -> list[str]:
        """The names of the parts of its path that the caller says."""
        return re.findall(r"{(\w+)}", self.path)


def reply(view: View, status: int = 200) -> HTTPResponse:
    """A view as JSON; what is absent is left out."""
    body = view.model_dump_json(exclude_none=True)
    return HTTPResponse(body, status, content_type="application/json")
