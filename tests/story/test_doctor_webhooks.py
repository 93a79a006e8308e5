"""The doctor looks at webhooks: where they lead, and what did not arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from homes import write_settings
from standin.receiver import SECRET, Receiver
from standin.sites import open_site
from told import open_post, target

from identra.dispatches import Count
from identra.doctor import examine
from identra.doctor.webhooks import PATIENCE, Seen, judge, look
from identra.settings import Persistence
from identra.values import rfc3339

if TYPE_CHECKING:
    from pathlib import Path

    from clock import FrozenClock

    from identra.db import Database

ADA = "01900000-0000-7000-8000-00000000000a"
ELSEWHERE = "http://localhost:1/"
NOW = 1_800_000_000_000_000
NONE = Count(0, None)


@pytest.mark.parametrize(
    ("seen", "codes"),
    [
        (Seen(NONE, NONE, None), []),
        (Seen(Count(3, NOW - PATIENCE), NONE, None), []),
        (Seen(Count(3, NOW - PATIENCE - 1), NONE, None), ["WEBHOOK_BEHIND"]),
        (Seen(NONE, Count(2, NOW), None), ["WEBHOOK_DEAD"]),
        (Seen(NONE, NONE, NOW), ["WEBHOOK_GONE"]),
    ],
    ids=["empty", "a while", "behind", "dead", "gone"],
)
def test_a_queue_is_judged_by_what_is_left_in_it(seen: Seen, codes: list[str]) -> None:
    assert [finding.code for finding in judge("app", seen, NOW)] == codes


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_what_did_not_arrive_is_found_with_its_target(
    database: Database, clock: FrozenClock
) -> None:
    receiver = Receiver(reply=lambda _: httpx.Response(410))
    with open_site(receiver) as site:
        one, old = target(site.base_url), target(ELSEWHERE, "old")
        async with open_post(database, clock, one, old) as post:
            await post.events.record("user.created", user_id=ADA)
            await post.deliver()
        found = {finding.code: finding.cause for finding in await look([one], database)}
    assert found == {
        "WEBHOOK_READY": "app: 127.0.0.1 leads to 127.0.0.1",
        "WEBHOOK_GONE": f"app: it answered 410 at {rfc3339(clock())}, and is called no more",
        "WEBHOOK_DEAD": "app: 1 events were given up",
        "WEBHOOK_LEFT": "old: events are kept for it, which the settings do not name",
    }


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://localhost/", "WEBHOOK_UNREACHED"),
        ("https://nowhere.invalid/", "WEBHOOK_UNREACHED"),
        ("https://93.184.216.34/", "WEBHOOK_READY"),
    ],
    ids=["inside", "unknown", "outside"],
)
async def test_a_target_is_ready_where_its_host_leads_outside(
    tmp_path: Path, url: str, code: str
) -> None:

    place = Persistence(driver="sqlite", name=str(tmp_path / "none.db"))
    section = {"url": url, "secrets": [SECRET]}
    file = write_settings(tmp_path, place, sections={"webhooks.app": section})
    found = [one.code for one in await examine(file, {}) if one.code.startswith("WEBHOOK")]
    assert found == [code]


async def test_a_target_that_asks_for_what_there_is_not_keeps_the_service_from_starting(
    tmp_path: Path,
) -> None:

    place = Persistence(driver="sqlite", name=str(tmp_path / "none.db"))
    section = {"url": ELSEWHERE, "secrets": [SECRET], "allow_private": True}
    section |= {"events": ["users.*"]}
    file = write_settings(tmp_path, place, sections={"webhooks.app": section})
    (only,) = await examine(file, {})
    assert only.code == "SETTINGS_REFUSED"
    assert "webhooks.app.events: there is no event users.*" in only.cause
