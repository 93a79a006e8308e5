"""The steps of an attempt to get in, noted where they are taken, for operators alone.

A use case opens a trail; whatever happens within it may note a step. Outside of one nothing is
noted. What is noted never holds a secret, and never an address of a person: those are digests.
"""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import update_wrapper
from inspect import signature
from time import perf_counter
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Final,
    Literal,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypeVar,
)

from identra.errors import IdentraError, InvalidArgument
from identra.secret import digest
from identra.values import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from identra.values import Peer

P = ParamSpec("P")
T = TypeVar("T")

Act: TypeAlias = Literal[
    "code.begin",
    "code.complete",
    "secret.complete",
    "oauth.begin",
    "oauth.complete",
    "oauth.bind",
    "registration.begin",
    "registration.complete",
    "reset.begin",
    "reset.complete",
]
"""What is attempted, by whichever door."""

StepName: TypeAlias = Literal[
    "peer",
    "code.sent",
    "code.rests",
    "code.owner_told",
    "code.withheld",
    "code.right",
    "code.wrong",
    "code.none",
    "code.exhausted",
    "code.raced",
    "code.given_back",
    "secret.right",
    "secret.wrong",
    "secret.none",
    "state.opened",
    "state.taken",
    "state.none",
    "provider.asked",
    "provider.answered",
    "plugin.passed",
    "plugin.denied",
    "plugin.failed",
    "asserted",
    "decided",
    "overtaken",
    "session.opened",
]

SUCCEEDED: Final = "SUCCEEDED"
LEFT: Final = "LEFT"
"""The outcome of an attempt that is no failure, and of one whose caller did not wait for it."""

WIDTH: Final = 128
"""Characters of one fact of a step."""
LENGTH: Final = 3000
"""Characters of all facts of an attempt; further steps are not noted."""


@dataclass(frozen=True, slots=True)
class Step:
    """What happened, how many milliseconds after the attempt began, and its facts."""

    name: StepName
    ms: int
    facts: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Attempt:
    """An attempt that is over. `outcome` is SUCCEEDED, LEFT or the reason that was answered.

    `detail` is what the caller was not told. `subject` is a digest of the address, recipient or
    state that it was about: attempts about the same have the same. `ms` is how long it took.
    """

    attempt_id: str
    request_id: str
    act: str
    outcome: str
    detail: str
    provider: str
    user_id: str | None
    subject: str
    peer: str
    ms: int
    steps: tuple[Step, ...]


class Keeper(Protocol):
    """Takes in attempts that are over."""

    def keep(self, attempt: Attempt) -> None:
        """Have it kept; return at once."""
        ...


class Followed(Protocol):
    """A use case that says who keeps its attempts."""

    _attempts: Keeper


class Trail:
    """The steps of an attempt under way."""

    def __init__(self, act: Act, peer: Peer) -> None:
        self._act = act
        self._peer = peer
        self._began = perf_counter()
        self._left = LENGTH
        self._steps: list[Step] = []
        self.provider = ""
        self.user_id: str | None = None
        self.subject = ""

    @property
    def ms(self) -> int:
        """Milliseconds since it began."""
        return round((perf_counter() - self._began) * 1000)

    def add(self, name: StepName, facts: dict[str, str]) -> None:
        """Note a step, unless there were too many already."""
        kept = {key: plain(value, WIDTH) for key, value in facts.items() if value}
        self._left -= len(name) + sum(len(key) + len(value) for key, value in kept.items())
        if self._left >= 0:
            self._steps.append(Step(name, self.ms, MappingProxyType(kept)))

    def ended(self, fault: BaseException | None) -> Attempt:
        """The attempt, once it is over."""
        outcome, detail = _outcome(fault)
        return Attempt(
            attempt_id=self._peer.attempt_id,
            request_id=self._peer.request_id,
            act=self._act,
            outcome=outcome,
            detail=plain(detail, WIDTH),
            provider=self.provider,
            user_id=self.user_id,
            subject=self.subject,
            peer=self._peer.address or "",
            ms=self.ms,
            steps=tuple(self._steps),
        )


_TRAIL: Final[ContextVar[Trail | None]] = ContextVar("the attempt under way", default=None)


def step(name: StepName, **facts: str) -> None:
    """Note a step of the attempt under way; what is empty is left out. Never a secret."""
    trail = _TRAIL.get()
    if trail is not None:
        trail.add(name, facts)


def about(*, provider: str = "", user_id: str | None = None, subject: str = "") -> None:
    """Say whom or what the attempt under way is about, as far as it is known by now.

    Of a user the first that is said counts. `subject` is kept as its digest alone.
    """
    trail = _TRAIL.get()
    if trail is None:
        return
    trail.provider = provider or trail.provider
    trail.user_id = trail.user_id or user_id
    trail.subject = subject_of(subject) if subject else trail.subject


def subject_of(address: str) -> str:
    """What attempts about an address, a recipient or a state are found by."""
    return digest("attempt", address)


def ended_at_once(act: Act, peer: Peer, fault: IdentraError, *, provider: str) -> Attempt:
    """An attempt that failed before any step of its use case."""
    trail = Trail(act, peer)
    trail.provider = provider
    trail.add("peer", {"chain": peer.chain})
    return trail.ended(fault)


S = TypeVar("S", bound=Followed)


def attempt(
    act: Act,
) -> Callable[
    [Callable[Concatenate[S, P], Coroutine[Any, Any, T]]],
    Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
]:
    """Follow a use case that is handed a `peer`, and have it kept once it is over, however."""

    def follow(
        do: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
    ) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
        place = list(signature(do).parameters).index("peer") - 1

        async def followed(self: S, /, *arguments: P.args, **named: P.kwargs) -> T:
            peer: Any = named["peer"] if "peer" in named else arguments[place]
            trail = Trail(act, peer)
            token = _TRAIL.set(trail)
            fault: BaseException | None = None
            try:
                step("peer", chain=peer.chain)
                return await do(self, *arguments, **named)
            except BaseException as raised:
                fault = raised
                raise
            finally:
                _TRAIL.reset(token)
                self._attempts.keep(trail.ended(fault))

        update_wrapper(followed, do)
        return followed

    return follow


def _outcome(fault: BaseException | None) -> tuple[str, str]:
    if fault is None:
        return SUCCEEDED, ""
    if isinstance(fault, InvalidArgument):  # what it says of a field may be a plugin's words
        return fault.reason, ", ".join(one.field for one in fault.faults)
    if isinstance(fault, IdentraError):
        return fault.reason, fault.detail
    if isinstance(fault, asyncio.CancelledError):
        return LEFT, "the caller hung up, or ran out of time"
    return "INTERNAL", type(fault).__name__
