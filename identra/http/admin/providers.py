"""The route by which operators see how the providers stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra import clearance as acts
from identra.http.admin.asked import operation
from identra.http.models import Provider, ProviderStates

if TYPE_CHECKING:
    from identra.app import App
    from identra.http.call import Call
    from identra.http.models import Empty


async def states(app: App, _call: Call, _query: Empty) -> ProviderStates:
    """Every provider."""
    return ProviderStates(
        providers=[
            Provider(
                name=one.name, plugin=one.plugin, kind=one.kind, state=one.state, reason=one.reason
            )
            for one in app.providers.states()
        ]
    )


OPERATIONS = (
    operation(
        "GET",
        "/providers",
        states,
        acts.LIST_PROVIDERS,
        "List every provider that is installed, and how it stands",
        gives=ProviderStates,
    ),
)
