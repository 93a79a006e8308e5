"""A clock of the caller's in place of the database's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.values import Clock


@dataclass(frozen=True, slots=True)
class Turned:
    """Stands in a query for the instant at which it is run, by the clock that was given."""

    clock: Clock


def read_clocks(args: Sequence[Any]) -> Sequence[Any]:
    """The arguments with one instant in place of every clock."""
    clock = next((arg.clock for arg in args if isinstance(arg, Turned)), None)
    if clock is None:
        return args
    instant = clock()
    return [instant if isinstance(arg, Turned) else arg for arg in args]
