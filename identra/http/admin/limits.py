"""Routes by which operators see what is spent of allowances, and give it back."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from identra import clearance as acts
from identra.errors import InvalidArgument, NotFound
from identra.http.admin.asked import back, operation
from identra.http.models import Count, Counts, LimitQuery

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.app import App
    from identra.http.call import Call
    from identra.limits import Entry


async def show(app: App, _call: Call, query: LimitQuery) -> Counts:
    """What is spent."""
    _demand_named(query)
    return _told(await back(app).relief.show(query.who or "", query.peer or ""))


async def release(app: App, call: Call, body: LimitQuery) -> Counts:
    """Give it back."""
    _demand_named(body)
    return _told(await back(app).relief.release(body.who or "", body.peer or "", by=call.by))


def _demand_named(said: LimitQuery) -> None:
    if not said.who and not said.peer:
        raise InvalidArgument.of("who", "is required, or peer")


def _told(entries: Sequence[Entry]) -> Counts:
    return Counts(limits=[Count.model_validate(asdict(entry)) for entry in entries])


OPERATIONS = (
    operation(
        "GET",
        "/limits",
        show,
        acts.SHOW_LIMITS,
        "Show what a user, an address or a network has spent of allowances",
        takes=LimitQuery,
        gives=Counts,
        fails=(NotFound,),
    ),
    operation(
        "POST",
        "/limits/release",
        release,
        acts.RELEASE_LIMITS,
        "Give it back, and tell what it was",
        takes=LimitQuery,
        gives=Counts,
        fails=(NotFound,),
    ),
)
