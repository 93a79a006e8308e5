"""Both nodes are restarted under load, each taken out of the proxy before: nobody notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chaos.case import Terms
from chaos.nodes import HOSTS
from chaos.pulse import wait
from chaos.storm import Storm

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import BuildNodes

ROUNDS = 3
BETWEEN = 1.0
"""Seconds."""
ENOUGH = 10**9


@pytest.mark.chaos
@pytest.mark.parametrize("home", ["postgres and redis", "mysql and redis", "sqlite"])
def test_nodes_that_are_restarted_in_turn_fail_no_request(
    build_nodes: BuildNodes, seed: int, home: str
) -> None:
    with build_nodes(home) as nodes:
        storm = Storm(nodes, seed)

        def meanwhile(_storm: Storm, _over: Callable[[], bool]) -> None:
            for number in (0, 1) * ROUNDS:
                wait(BETWEEN)
                nodes.front.serve([HOSTS[1 - number]])
                nodes.stop(number)
                nodes.start(number)
                nodes.front.serve(HOSTS)
            wait(BETWEEN)
            storm.end()

        storm.run(ENOUGH, meanwhile)
        print(f"{home}: {storm.summary()}")
        storm.judge(Terms())
        assert not storm.unanswered()
