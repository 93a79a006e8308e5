"""The protocol by which doors and edges tell what they do to whoever follows a request."""

from __future__ import annotations

from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

Door: TypeAlias = Literal["REST", "gRPC"]
Neighbour: TypeAlias = Literal["database", "provider"]


class Tracer(Protocol):
    """Records how long a request took, and each thing that it waited for.

    What it is given are words of a fixed set, never a person's: nobody's address, id or secret.
    """

    @property
    def on(self) -> bool:
        """Whether anybody can read what is recorded."""
        ...

    def serving(
        self, door: Door, method: str, route: str, said: Mapping[str, str]
    ) -> AbstractContextManager[Callable[[int], None]]:
        """While a request is answered; the callable takes the answer's HTTP status.

        `said` are what the caller may say of a trace that the request is part of: the headers
        `traceparent` and `tracestate` (W3C Trace Context), or nothing. What raises is recorded
        by its reason alone.
        """
        ...

    def asking(
        self, neighbour: Neighbour, name: str, what: str
    ) -> AbstractContextManager[Mapping[str, str]]:
        """While a neighbour is asked, within a request; the headers to hand on to it.

        Outside of any request nothing is recorded, and nothing handed on.
        """
        ...


_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


class Untraced:
    """Keeps the `Tracer` contract where nobody follows."""

    on = False

    def serving(self, *_: object) -> AbstractContextManager[Callable[[int], None]]:
        """Record nothing."""
        return nullcontext(_forget)

    def asking(self, *_: object) -> AbstractContextManager[Mapping[str, str]]:
        """Record nothing."""
        return nullcontext(_NOTHING)


def _forget(_status: int) -> None:
    """Nobody asks."""


UNTRACED: Final[Tracer] = Untraced()
