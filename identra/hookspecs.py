"""The hooks a plugin may implement. Each may take fewer arguments, none may take others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pluggy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from identra.asked import Aid, Arrival, Choice, Delivery, Fact, Holder
    from identra.providers.base import HookSettings, Provider

PROJECT: Final = "identra"
AT_START: Final = frozenset({"providers", "section"})
"""Plain functions, called once. All others are `async def`, called at run time."""

hookspec = pluggy.HookspecMarker(PROJECT)


@hookspec
def providers() -> Sequence[type[Provider]]:  # type: ignore[empty-body]
    """The provider classes this plugin brings; called once, at start."""


@hookspec
def section() -> type[HookSettings]:  # type: ignore[empty-body]
    """The model of `[hooks.NAME]`, where this plugin's hooks are set; called once, at start."""


@hookspec
async def admit(arrival: Arrival, aid: Aid) -> str | None:
    """Why somebody is not let in, as a sentence for her, or None. It can't let anybody in."""


@hookspec
async def claims(holder: Holder, aid: Aid) -> Mapping[str, Any] | None:
    """Further claims of an access token, by names that are not reserved; at login and refresh."""


@hookspec
async def observe(fact: Fact, aid: Aid) -> None:
    """Told of each event after its commit. Nobody waits for it."""


@hookspec
async def send_message(delivery: Delivery, aid: Aid) -> bool | None:
    """Whether it was delivered here; otherwise it goes its usual way. Mailed codes never come."""


@hookspec
async def check_password(choice: Choice, aid: Aid) -> str | None:
    """Why a secret is not acceptable, in words for its chooser, or None."""
