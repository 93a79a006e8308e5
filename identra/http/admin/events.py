"""The route by which operators read what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from identra import clearance as acts
from identra.errors import InvalidArgument
from identra.events import EventName
from identra.http.admin.asked import back, operation
from identra.http.models import EventPage, EventQuery, Recorded
from identra.values import SECOND

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call


async def read(app: App, _call: Call, query: EventQuery) -> EventPage:
    """A page of events."""
    if query.name is not None and query.name not in get_args(EventName):
        raise InvalidArgument.of("name", "is no event's")
    page = await back(app).events.page(
        user_id=query.user_id,
        since=(query.since or 0) * SECOND,
        until=None if query.until is None else query.until * SECOND,
        kinds=(query.name,) if query.name else (),
        limit=query.limit,
        after=query.after or "",
    )
    told = [
        Recorded(
            id=one.event_id,
            at=one.at // SECOND,
            name=one.name,
            user_id=one.user_id,
            data=dict(one.data),
        )
        for one in page.events
    ]
    return EventPage(events=told, next=page.next or None)


OPERATIONS = (
    operation(
        "GET",
        "/events",
        read,
        acts.READ_EVENTS,
        "Read what was recorded, the newest first",
        takes=EventQuery,
        gives=EventPage,
    ),
)
