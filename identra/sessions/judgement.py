"""What a presented refresh token deserves. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from identra.sessions.token import RefreshToken

REMEMBERED: Final = 16


class Verdict(Enum):
    """What is to be done about a refresh token whose MAC is right."""

    advance = "advance"
    """It is the current one: advance, answer its successor."""
    repeat = "repeat"
    """It raced, or its answer was lost: answer the current token, advance nothing."""
    theft = "theft"
    """It was spent long ago by somebody: end the session."""
    ahead = "ahead"
    """It is ahead of the row, which a restored backup brought back: end the session."""
    over = "over"
    """The session is revoked, idle too long or at its absolute end."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The lifetimes of sessions, in microseconds."""

    idle: int
    absolute: int
    grace: int


@dataclass(frozen=True, slots=True)
class Session:
    """What the judgement needs of a session's row.

    `advances` are the last instants of advance, oldest first; the last of them made the current
    generation. `spent_with` is the digest of the Idempotency-Key that made it, if any.
    """

    generation: int
    advances: tuple[int, ...]
    spent_with: str | None
    idle_ends_at: int
    ends_at: int
    revoked: bool


def judge(
    token: RefreshToken, session: Session, *, now: int, policy: Policy, key: str | None = None
) -> Verdict:
    """Judge a token whose MAC was found right, at `now`. `key` is its Idempotency-Key's digest."""
    if session.revoked or now >= min(session.idle_ends_at, session.ends_at):
        return Verdict.over
    behind = session.generation - token.generation
    if behind < 0:
        return Verdict.ahead
    if behind == 0:
        return Verdict.repeat if _racing(session, now, policy) else Verdict.advance
    if behind <= len(session.advances) and _in_grace(session.advances[-behind], now, policy):
        return Verdict.repeat
    if behind == 1 and key is not None and key == session.spent_with:
        return Verdict.repeat
    return Verdict.theft


def advance(session: Session, *, now: int) -> tuple[int, ...]:
    """The instants to remember once the session has advanced at `now`."""
    return (*session.advances, now)[-REMEMBERED:]


def _racing(session: Session, now: int, policy: Policy) -> bool:
    full = len(session.advances) == REMEMBERED
    return full and _in_grace(session.advances[0], now, policy)


def _in_grace(advanced: int, now: int, policy: Policy) -> bool:
    """Without grace nothing is: `now` may have been read before an advance that is seen already."""
    return policy.grace > 0 and now - advanced <= policy.grace
