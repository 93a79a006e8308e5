"""An operation: one method on one path, with everything that may be said about it.

The routes are made from operations, and so is the OpenAPI document: what one does not declare,
the other can't promise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from sanic.response import HTTPResponse

from identra.http.models import Empty, View

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from identra.app import App
    from identra.errors import IdentraError
    from identra.http.call import Call
    from identra.http.errors import BearerUse

Answer: TypeAlias = View | HTTPResponse
Act: TypeAlias = "Callable[[App, Call, Any], Awaitable[Answer]]"
"""What an operation does: the hall, the call, and its body or arguments as `takes` reads them."""

CACHE_FOR_FIVE_MINUTES = "public, max-age=300"
NO_STORE = "no-store"


@dataclass(frozen=True, slots=True)
class Operation:
    """A method on a path: what it takes and gives, how it can fail, who may keep the answer.

    `takes` is the body of a POST and the query of a GET. `gives` names the model of each status,
    or the media type where the answer is no JSON. `caching` is the Cache-Control of its answers.
    """

    method: Literal["GET", "POST"]
    path: str
    act: Act
    summary: str
    topic: str
    takes: type[View] = Empty
    gives: dict[int, type[Any] | str] = field(default_factory=lambda: {200: Empty})
    fails: tuple[type[IdentraError], ...] = ()
    bearer: BearerUse = "none"
    caching: str = NO_STORE
    headers: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods it answers to: HEAD wherever GET does (RFC 9110, 9.3.2)."""
        return ("GET", "HEAD") if self.method == "GET" else ("POST",)


def reply(view: View, status: int = 200) -> HTTPResponse:
    """A view as JSON; what is absent is left out."""
    body = view.model_dump_json(exclude_none=True)
    return HTTPResponse(body, status, content_type="application/json")
