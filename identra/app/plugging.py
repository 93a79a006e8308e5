"""Giving plugins' hooks what they need, and the rooms whoever asks them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from identra.acceptance import Acceptance
from identra.app import opening
from identra.app.telling import Bell, record_events
from identra.hooks import Hooks, bind
from identra.messenger import Messenger
from identra.meter import UNMETERED
from identra.mishaps import Mishaps
from identra.observers import Observers

if TYPE_CHECKING:
    from contextlib import AsyncExitStack

    import httpx

    from identra.db import Database
    from identra.events import Events
    from identra.loader import Providers
    from identra.meter import Meter
    from identra.settings import SettingsTree
    from identra.values import Clock, Mailer


@dataclass(frozen=True, slots=True)
class Plugged:
    """Events that are told to observers, the hooks, and what asks them."""

    events: Events
    hooks: Hooks
    mishaps: Mishaps
    acceptance: Acceptance
    messenger: Messenger
    bell: Bell


def plug(  # noqa: PLR0913 - the edges they work with, each by name
    tree: SettingsTree,
    providers: Providers,
    *,
    db: Database,
    clock: Clock,
    mailer: Mailer,
    transport: httpx.AsyncBaseTransport | None,
    opened: AsyncExitStack,
    meter: Meter = UNMETERED,
) -> Plugged:
    """Bind the hooks and begin to tell observers, until the house is closed."""
    upstreams = opening.hook_upstreams(providers, transport, opened)
    observers, bell = Observers(), Bell()
    events = record_events(tree, db, clock, meter=meter, tell=observers.tell, bell=bell)
    mishaps = Mishaps(events, meter)
    hooks = Hooks(providers, upstreams, mishaps)
    observers.start(bind(providers, upstreams, "observe"), mishaps)
    opened.push_async_callback(observers.close)
    messenger = Messenger(mailer, hooks)
    opened.push_async_callback(messenger.close)
    return Plugged(
        events=events,
        hooks=hooks,
        mishaps=mishaps,
        acceptance=Acceptance(hooks, mishaps, shortest=tree.password.min_length),
        messenger=messenger,
        bell=bell,
    )
