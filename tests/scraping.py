"""Reading metrics as Prometheus does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Callable

    from running import Running

PATIENCE = 20
Scraped = dict[tuple[str, ...], float]
"""Each number by its name and its labels, `name=value` and sorted."""


def address_of(service: Running) -> str:
    """Where a service that was just started says that its metrics are."""
    assert service.process.stdout
    for line in service.process.stdout:
        if line.startswith("  metrics "):
            return line.split()[1]
    raise AssertionError("it tells no metrics")


def scrape(url: str) -> Scraped:
    """What is told now."""
    return read(httpx.get(url).raise_for_status().text)


def read(text: str) -> Scraped:
    """What an exposition says."""
    return {
        (sample.name, *sorted(f"{name}={value}" for name, value in sample.labels.items())): float(
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def wait_until(url: str, holds: Callable[[Scraped], bool]) -> Scraped:
    """Scrape again and again until it holds."""
    until = time.monotonic() + PATIENCE
    while True:
        found = scrape(url)
        if holds(found):
            return found
        assert time.monotonic() < until, found
        time.sleep(0.1)


def counted(scraped: Scraped) -> Scraped:
    """Everything that only grows: a worker's end may change none of it."""
    endings = ("_total", "_bucket", "_count", "_sum")
    ends = "identra_worker_ends_total"
    return {k: v for k, v in scraped.items() if k[0].endswith(endings) and k[0] != ends}
