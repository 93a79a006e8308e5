"""How long and how many: the bounds of connections."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import Final

OTHER_FILES: Final = 512
"""Files that a process has open beside its callers' connections, at most: its stores', gRPC's."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Times in seconds, and how many connections a process takes, and of one network at most.

    A request must be whole `whole_request` after its first byte, and its answer be made within
    `whole_answer`. A connection that ends has `parting` to take what it was sent.
    """

    whole_request: float = 15.0
    whole_answer: float = 30.0
    parting: float = 5.0
    idle: float = 75.0
    connections: int = 4096
    of_one: int = 1024


def allow_files(bounds: Bounds) -> None:
    """Let this process and its children open what the bounds need, as far as its own may be raised.

    Where a system allows fewer, it takes fewer connections.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = bounds.connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def most_here(bounds: Bounds) -> int:
    """So many connections this process may take by its bounds and by its system's."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return bounds.connections
    ours = max(soft - OTHER_FILES, soft // 2)
    return max(1, min(bounds.connections, ours))
