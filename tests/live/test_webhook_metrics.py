"""What is told to webhooks, and what waits for them, can be watched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
import scraping
from standin.receiver import SECRET, Receiver
from standin.sites import open_site
from town import client
from visitor import Visitor

if TYPE_CHECKING:
    from conftest import Build

TOTAL, QUEUE, AGE = (
    "identra_webhooks_total",
    "identra_webhook_queue",
    "identra_webhook_queue_age_seconds",
)


@pytest.mark.long
def test_what_failed_and_what_waits_is_told_by_target(build_town: Build) -> None:
    """Each worker shows the same queue, and it is told once."""
    receiver = Receiver(reply=lambda _: httpx.Response(500))
    with open_site(receiver) as site:
        section = {"url": site.base_url, "secrets": [SECRET], "allow_private": True}
        said = {"webhooks.app": section | {"events": ["user.*", "login.*"]}}
        with build_town("sqlite", metrics={"port": 0}, **said) as town:
            url = scraping.address_of(town.service)
            with client(town.service) as http:
                visitor = Visitor(http, town)
                visitor.register(visitor.address("ada"))
            failed = (TOTAL, "outcome=failed", "target=app")
            waiting = (QUEUE, "target=app")
            found = scraping.wait_until(
                url, lambda told: told.get(failed) == 1 and told.get(waiting) == 2
            )
            assert 0 < found[AGE, "target=app"] < scraping.PATIENCE
            assert (TOTAL, "outcome=delivered", "target=app") not in found
