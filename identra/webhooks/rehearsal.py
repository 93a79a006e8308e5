"""Sending a target an event that did not happen, to see that it is received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from identra.dispatches import Recorded
from identra.secret import uuid7
from identra.upstream import Outlet
from identra.webhooks.sending import Sender

if TYPE_CHECKING:
    from identra.values import Clock
    from identra.webhooks.sending import Verdict
    from identra.webhooks.target import Target

TEST: Final = "webhook.test"
"""Its type. It is recorded nowhere, whatever events the target asks for."""


async def send_test(target: Target, clock: Clock) -> Verdict:
    """Send it once, signed as all are, and tell what came back."""
    sender = Sender(target, Outlet(target.url, target.grounds), clock)
    event = Recorded(uuid7(), clock(), TEST, None, {"target": target.name})
    try:
        return await sender.send(event.event_id, event.body)
    finally:
        await sender.close()
