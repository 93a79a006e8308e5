"""What a person or a provider calls itself forges nothing in a webhook: no header, no field."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.receiver import Receiver
from standin.sites import open_site
from told import open_post, target

if TYPE_CHECKING:
    from clock import FrozenClock

    from identra.db import Database

EVE = "01900000-0000-7000-8000-00000000000e"
NASTY = (
    'x"},"type":"user.deleted\r\nwebhook-signature: v1,forged\r\n\r\n'
    '{"type":"user.deleted"}\t\u2028é'
)


async def test_an_event_s_data_stays_data(database: Database, clock: FrozenClock) -> None:
    receiver = Receiver()
    with open_site(receiver) as site:
        async with open_post(database, clock, target(site.base_url)) as post:
            await post.events.record("user.disabled", user_id=EVE, reason=NASTY)
            await post.events.record("login.refused", user_id=EVE, provider=NASTY)
            await post.deliver()
    assert receiver.forged == []
    told, refused = receiver.heard
    assert told.body.keys() == {"type", "timestamp", "data"}
    assert (told.type, refused.type) == ("user.disabled", "login.refused")
    assert told.body["data"] == {"user_id": EVE, "reason": NASTY}
