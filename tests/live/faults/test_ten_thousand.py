"""Ten thousand mixed operations while a worker is killed every two seconds: nothing is broken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chaos.case import Terms
from chaos.pulse import wait
from chaos.storm import Storm

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import BuildNodes

EVERY = 2.0
"""Seconds between two kills."""


@pytest.mark.chaos
@pytest.mark.parametrize("home", ["postgres and redis", "mysql and redis", "sqlite"])
def test_workers_that_are_killed_break_no_promise(
    build_nodes: BuildNodes, seed: int, home: str, request: pytest.FixtureRequest
) -> None:
    kills = 0

    def meanwhile(storm: Storm, over: Callable[[], bool]) -> None:
        nonlocal kills
        chance = storm.chance("kills")
        while not over():
            wait(EVERY)
            kills += storm.nodes.kill_one(chance)

    with build_nodes(home) as nodes:
        storm = Storm(nodes, seed)
        storm.run(request.config.getoption("chaos_operations"), meanwhile)
        print(f"{home}: {kills} kills; {storm.summary()}")
        storm.judge(Terms(kills=True))
