"""Whatever is killed, cut or silent meanwhile: what was promised is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.case import Terms
from chaos.mischief import Mischief
from chaos.storm import Storm

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import BuildNodes

FEW = 300
"""Operations."""
EVERY = 20
"""Of them, until something is done."""


def test_what_was_promised_is_kept_whatever_fails(build_nodes: BuildNodes, seed: int) -> None:
    with build_nodes("postgres and redis") as nodes:
        storm = Storm(nodes, seed)
        done: list[str] = []

        def meanwhile(storm: Storm, over: Callable[[], bool]) -> None:
            Mischief(nodes, storm.ledger, storm.chance("mischief"), EVERY, done).work(over)

        storm.run(FEW, meanwhile)
        print(storm.summary(), done, sep="\n")
        storm.judge(Terms(kills=True))
