"""What every route of operators is, and how it lets somebody in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from identra.errors import (
    InsufficientScope,
    InvalidAdminKey,
    MissingAdminKey,
    NotFound,
    RateLimited,
    StoreUnavailable,
)
from identra.http.call import bearer, peer
from identra.http.models import Empty
from identra.http.operation import Operation

if TYPE_CHECKING:
    from typing import Literal

    from identra.app import App
    from identra.app.backoffice import BackOffice
    from identra.clearance import Act as Cleared
    from identra.errors import IdentraError
    from identra.http.call import Call
    from identra.http.models import View
    from identra.http.operation import Act

PREFIX: Final = "/admin"
REFUSALS: Final = (
    MissingAdminKey,
    InvalidAdminKey,
    InsufficientScope,
    RateLimited,
    StoreUnavailable,
)


def operation(  # noqa: PLR0913 - what is said of a route, as `Operation` has it
    method: Literal["GET", "POST", "DELETE"],
    path: str,
    act: Act,
    clears: Cleared,
    summary: str,
    *,
    takes: type[View] = Empty,
    gives: type[View] = Empty,
    fails: tuple[type[IdentraError], ...] = (),
) -> Operation:
    """A route of operators, whom `clears` lets in."""
    return Operation(
        method,
        PREFIX + path,
        act,
        summary,
        "admin",
        takes=takes,
        gives={200: gives},
        fails=(*REFUSALS, *fails),
        bearer="required",
        clears=clears,
    )


def back(app: App) -> BackOffice:
    """The operators' rooms. Raises NotFound where they are not open."""
    if app.backoffice is None:
        raise NotFound("operators are not let in from outside")
    return app.backoffice


async def let_in(app: App, call: Call, act: Cleared) -> None:
    """Have the caller cleared, and keep on the call by whom it is."""
    named: dict[str, Any] = call.match_info
    key = await back(app).clearance.clear(
        bearer(call), act, peer(call, app.settings), user_id=named.get("user_id")
    )
    call.by = key.by
