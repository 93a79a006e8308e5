"""Methods by which operators look at allowances, providers, keys and events."""

from __future__ import annotations

from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, get_args

from identra import clearance
from identra.errors import InvalidArgument
from identra.events import EventName
from identra.grpc.admin.asked import Errand, back, instant_of, limit_of, seconds
from identra.grpc.identra.admin.v1 import admin_pb2 as v1
from identra.grpc.messages import said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from identra.app import App
    from identra.dispatches import Recorded
    from identra.keys import KeyRow
    from identra.limits import Entry


async def show_limits(app: App, _by: str, request: v1.ShowLimitsRequest) -> v1.ShowLimitsResponse:
    """What is spent."""
    _demand_named(request)
    found = await back(app).relief.show(request.who, request.peer)
    return v1.ShowLimitsResponse(limits=_counts(found))


async def release_limits(
    app: App, by: str, request: v1.ReleaseLimitsRequest
) -> v1.ReleaseLimitsResponse:
    """Give it back."""
    _demand_named(request)
    given = await back(app).relief.release(request.who, request.peer, by=by)
    return v1.ReleaseLimitsResponse(limits=_counts(given))


async def list_providers(
    app: App, _by: str, _request: v1.ListProvidersRequest
) -> v1.ListProvidersResponse:
    """Every provider."""
    states = [v1.Provider(**asdict(one)) for one in app.providers.states()]
    return v1.ListProvidersResponse(providers=states)


async def list_keys(app: App, _by: str, _request: v1.ListKeysRequest) -> v1.ListKeysResponse:
    """Every key."""
    return v1.ListKeysResponse(keys=[_key(key) for key in await back(app).keys()])


async def list_events(app: App, _by: str, request: v1.ListEventsRequest) -> v1.ListEventsResponse:
    """A page of events."""
    name = said(request, "name")
    if name is not None and name not in get_args(EventName):
        raise InvalidArgument.of("name", "is no event's")
    page = await back(app).events.page(
        user_id=said(request, "user_id"),
        since=instant_of(request, "since") or 0,
        until=instant_of(request, "until"),
        kinds=(name,) if name else (),
        limit=limit_of(request),
        after=request.after,
    )
    events = [_event(one) for one in page.events]
    return v1.ListEventsResponse(events=events, next=page.next or None)


def _demand_named(request: Any) -> None:
    if not request.who and not request.peer:
        raise InvalidArgument.of("who", "is required, or peer")


def _counts(entries: Sequence[Entry]) -> list[v1.Count]:
    return [v1.Count(**asdict(entry)) for entry in entries]


def _key(key: KeyRow) -> v1.Key:
    return v1.Key(
        kid=key.kid,
        purpose=key.purpose,
        algorithm=key.algorithm,
        state=key.state,
        sealed_by=key.sealed_by,
        created_at=seconds(key.created_at),
        changed_at=seconds(key.changed_at),
        signs_from=seconds(key.signs_from),
    )


def _event(one: Recorded) -> v1.Event:
    return v1.Event(
        id=one.event_id,
        at=seconds(one.at),
        name=one.name,
        user_id=one.user_id,
        data=dict(one.data),
    )


ERRANDS: Final[Mapping[str, Errand]] = MappingProxyType(
    {
        "ShowLimits": Errand(clearance.SHOW_LIMITS, show_limits),
        "ReleaseLimits": Errand(clearance.RELEASE_LIMITS, release_limits),
        "ListProviders": Errand(clearance.LIST_PROVIDERS, list_providers),
        "ListKeys": Errand(clearance.LIST_KEYS, list_keys),
        "ListEvents": Errand(clearance.READ_EVENTS, list_events),
    }
)
"""The methods about the house, by their names in the .proto."""
