"""Both nodes are restarted, one after the other, under load: nobody notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chaos.case import BUSY, Terms
from chaos.pulse import wait
from chaos.storm import Storm

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.ledger import Entry
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
                nodes.stop(number)
                nodes.start(number)
            wait(BETWEEN)
            storm.end()

        storm.run(ENOUGH, meanwhile)
        print(f"{home}: {storm.summary()}")
        storm.judge(Terms(longest=BUSY, farthest=BUSY))
        assert not [call for call in storm.unanswered() if not may_ask_again(call)]


def may_ask_again(call: Entry) -> bool:
    """gRPC's door refuses what comes in its last moment; it had no effect, and clients repeat it.

    nginx does not, for to HTTP it is an answer.
    """
    return call.door == "python" and call.reason == "BUSY"
