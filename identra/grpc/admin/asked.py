"""How a method of operators lets somebody in, and reads what is asked of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from identra.errors import IdentraError, InvalidArgument, NotFound
from identra.grpc.messages import read_message, required
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from google.protobuf.message import Message

    from identra.adminkeys import AdminKey
    from identra.app import App
    from identra.app.backoffice import BackOffice
    from identra.clearance import Act as Cleared
    from identra.grpc.call import Call

Act: TypeAlias = "Callable[[App, str, Any], Awaitable[Message]]"
"""What a method does: the hall, by whom, its message; the answer's message."""

LIMIT: Final = 100
"""Rows of a page of which no number is said."""
MOST: Final = 1000
LATEST: Final = 10**12
"""No instant is later, in Unix seconds."""


@dataclass(frozen=True, slots=True)
class Errand:
    """A method of operators, whom `clears` lets in; what `further` finds in a message too."""

    clears: Cleared
    act: Act
    further: Callable[[Any], Cleared | None] | None = None


async def do(errand: Errand, takes: type[Message], app: App, call: Call, raw: bytes) -> Message:
    """Have the caller cleared, and do it in her name.

    Whoever may not do it learns nothing of her message, be it none: that is judged after her key.
    """
    request, fault = _read(takes, raw)
    key = await _clear(app, call, errand.clears, request)
    if fault:
        raise fault
    further = errand.further(request) if errand.further else None
    if further:
        await _clear(app, call, further, request)
    return await errand.act(app, key.by, request)


def back(app: App) -> BackOffice:
    """The operators' rooms. Raises NotFound where they are not open."""
    if app.backoffice is None:
        raise NotFound("operators are not let in from outside")
    return app.backoffice


def limit_of(request: Any) -> int:
    """How many are asked for. Raises InvalidArgument."""
    if not request.HasField("limit"):
        return LIMIT
    limit: int = request.limit
    if not 1 <= limit <= MOST:
        raise InvalidArgument.of("limit", f"is not 1 to {MOST}")
    return limit


def instant_of(request: Any, field: str) -> int | None:
    """An instant that is asked for, in Unix microseconds, or None. Raises InvalidArgument."""
    if not request.HasField(field):
        return None
    instant: int = getattr(request, field)
    if not 0 <= instant <= LATEST:
        raise InvalidArgument.of(field, "is no instant in Unix seconds")
    return instant * SECOND


def seconds(instant: int | None) -> int | None:
    """An instant as it is told."""
    return None if instant is None else instant // SECOND


async def _clear(app: App, call: Call, act: Cleared, request: Message | None) -> AdminKey:
    return await back(app).clearance.clear(call.bearer(), act, call.peer(), user_id=_whom(request))


def _whom(request: Message | None) -> str | None:
    """The user whom it is about, where it is about one; events are only looked for by theirs."""
    named: Any = request
    return named.user_id if named is not None and "user_id" in required(named) else None


def _read(takes: type[Message], raw: bytes) -> tuple[Message | None, IdentraError | None]:
    try:
        return read_message(takes, raw), None
    except IdentraError as fault:
        return None, fault
