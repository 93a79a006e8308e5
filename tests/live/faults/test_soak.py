"""Under the same load for long, memory stays where it was once everything was warm."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import pytest
from chaos.case import Terms
from chaos.footprint import footprint_of
from chaos.pulse import wait
from chaos.storm import Storm

from identra.settings.durations import parse_duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import BuildNodes

WARM = 1 / 2
"""Of the time: until then memory may grow."""
LOOKS = 120
FLAT = 1.05
PACE = 0.1
"""Seconds that each of a few members rests: it is long, not hard."""


@pytest.mark.chaos
def test_memory_stays_flat(
    build_nodes: BuildNodes, seed: int, request: pytest.FixtureRequest
) -> None:
    seconds = parse_duration(request.config.getoption("chaos_soak"))
    seen: list[int] = []

    def meanwhile(storm: Storm, _over: Callable[[], bool]) -> None:
        wait(seconds * WARM)
        for look in range(LOOKS):
            wait(seconds * (1 - WARM) / LOOKS)
            footprint = footprint_of(storm.nodes.workers())
            seen.append(footprint.memory)
            if look % 10 == 0:
                print(f"{len(storm.ledger)} calls, {footprint}", flush=True)
        storm.end()

    with build_nodes("postgres and redis") as nodes:
        storm = Storm(nodes, seed, pace=PACE)
        workers = nodes.workers()
        storm.run(10**9, meanwhile)
        quarter = LOOKS // 4
        first, last = median(seen[:quarter]), median(seen[-quarter:])
        print(f"{storm.summary()}; {first / 1024:.1f} MiB, in the end {last / 1024:.1f} MiB")
        assert nodes.workers() == workers
        storm.judge(Terms())
        assert last <= first * FLAT
