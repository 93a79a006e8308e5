"""What the workers hold of the system: descriptors, connections among them, threads, memory."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from chaos.nodes import Nodes


@dataclass(frozen=True)
class Footprint:
    """Of several processes together; memory in KiB that is theirs alone or shared by parts."""

    descriptors: int
    connections: int
    threads: int
    memory: int

    def within(self, most: Footprint, more: int) -> bool:
        """Whether no more is held than that and a few connections; memory is another matter."""
        held = self.descriptors - most.descriptors, self.connections - most.connections
        return max(held) <= more

    def __str__(self) -> str:
        return (
            f"{self.descriptors} descriptors, {self.connections} of them sockets,"
            f" {self.threads} threads, {self.memory / 1024:.0f} MiB"
        )


def most_of(nodes: Nodes, seconds: float) -> Footprint:
    """The most of everything that its workers held at once meanwhile."""
    seen = [footprint_of(nodes.workers())]
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        time.sleep(0.2)
        seen.append(footprint_of(nodes.workers()))
    return Footprint(*(max(of_one) for of_one in zip(*map(astuple, seen), strict=True)))


def footprint_of(pids: Iterable[int]) -> Footprint:
    """Look at them now."""
    pids = list(pids)
    ends = [end for pid in pids for end in _ends(pid)]
    return Footprint(
        descriptors=len(ends),
        connections=sum(end.startswith("socket:") for end in ends),
        threads=sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in pids),
        memory=sum(_memory(pid) for pid in pids),
    )


def _ends(pid: int) -> list[str]:
    """What each descriptor leads to; one may be closed while it is looked at."""
    found = []
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            found.append(str(one.readlink()))
    return found


def _memory(pid: int) -> int:
    told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", told, re.MULTILINE)
    assert found
    return int(found[1])
