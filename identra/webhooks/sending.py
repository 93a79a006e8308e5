"""Sending a dispatch once, and judging what came back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from identra.values import SECOND
from identra.webhooks.signing import headers_of

if TYPE_CHECKING:
    from identra.upstream import Outlet, Reply
    from identra.values import Clock
    from identra.webhooks.target import Target

Fate: TypeAlias = Literal["delivered", "failed", "gone"]

GONE: Final = 410
_GOOD: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a try: `outcome` in words, `asked` microseconds to wait (Retry-After)."""

    fate: Fate
    outcome: str
    asked: int = 0


def judge(reply: Reply) -> Verdict:
    """2xx is received, 410 Gone wants no more, all else is a failure: a redirect too. Pure."""
    if reply.status in _GOOD:
        return Verdict("delivered", f"status {reply.status}")
    if reply.status == GONE:
        return Verdict("gone", "status 410")
    if reply.status:
        return Verdict("failed", f"status {reply.status}", reply.retry_after * SECOND)
    return Verdict("failed", reply.cause)


class Sender:
    """Sends to one target. The clock is this machine's: receivers compare it with theirs."""

    def __init__(self, target: Target, outlet: Outlet, clock: Clock) -> None:
        self.target = target
        self._outlet = outlet
        self._clock = clock

    async def send(self, message_id: str, body: str) -> Verdict:
        """Send it, signed anew."""
        told = body.encode()
        headers = headers_of(message_id, self._clock() // SECOND, told, self.target.keys)
        return judge(await self._outlet.post(told, headers))

    async def close(self) -> None:
        """Give up every connection."""
        await self._outlet.close()
