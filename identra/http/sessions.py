"""Routes of the signed-in person's sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.errors import InvalidToken, MissingToken, NotFound, RateLimited, StoreUnavailable
from identra.http.call import bearer
from identra.http.models import Empty, Keep, OwnSession, OwnSessions
from identra.http.operation import Operation
from identra.values import SECOND

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call
    from identra.sessions import Entry


async def listed(app: App, call: Call, _query: Empty) -> OwnSessions:
    """The caller's live sessions."""
    entries = await app.devices.list(bearer(call))
    return OwnSessions(sessions=[_own(entry, current=current) for entry, current in entries])


async def end(app: App, call: Call, _query: Empty) -> Empty:
    """End one session of the caller's."""
    await app.devices.end(bearer(call), call.match_info["session_id"])
    return Empty()


async def end_all(app: App, call: Call, query: Keep) -> Empty:
    """End the caller's sessions."""
    await app.devices.end_all(bearer(call), keep_current=query.keep == "current")
    return Empty()


async def log_out(app: App, call: Call, _body: Empty) -> Empty:
    """End the session of this call."""
    await app.devices.log_out(bearer(call))
    return Empty()


def _own(entry: Entry, *, current: bool) -> OwnSession:
    return OwnSession(
        id=entry.session_id,
        created_at=entry.created_at // SECOND,
        last_used_at=entry.last_used_at // SECOND,
        amr=list(entry.amr),
        idp=entry.idp,
        peer=entry.peer or None,
        user_agent=entry.user_agent or None,
        current=current,
    )


_REFUSALS = (MissingToken, InvalidToken, RateLimited, StoreUnavailable)

OPERATIONS = (
    Operation(
        "GET",
        "/me/sessions",
        listed,
        "List the caller's sessions",
        "sessions",
        gives={200: OwnSessions},
        fails=_REFUSALS,
        bearer="required",
    ),
    Operation(
        "DELETE",
        "/me/sessions",
        end_all,
        "End the caller's sessions, this one too or not",
        "sessions",
        takes=Keep,
        fails=_REFUSALS,
        bearer="required",
    ),
    Operation(
        "DELETE",
        "/me/sessions/{session_id}",
        end,
        "End one session of the caller's",
        "sessions",
        fails=(*_REFUSALS, NotFound),
        bearer="required",
    ),
    Operation(
        "POST",
        "/logout",
        log_out,
        "End the session of this call",
        "sessions",
        fails=_REFUSALS,
        bearer="required",
    ),
)
