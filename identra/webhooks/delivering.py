"""Delivering to one target: what is due is found, and sent, several lanes side by side."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Final

import structlog

from identra.deadline import parting
from identra.dispatches import Count, next_try
from identra.errors import IdentraError
from identra.meter import UNMETERED
from identra.secret import portion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.dispatches import Dispatch, Queue
    from identra.meter import Meter
    from identra.webhooks.sending import Sender, Verdict

AT_ONCE: Final = 8
"""Lanes of one target that one process sends at a time."""
PAGE: Final = 64
"""Dispatches that are looked at together for what is due."""
RUN: Final = 50
"""Dispatches of one lane that are sent before other lanes have their turn."""
LOOKS: Final = 1.0
"""Seconds until others' events are looked for; those of this process wake it at once."""
GRACE: Final = 2.0
"""Seconds in which what is being sent may end while the house is closed."""
TELLS: Final = 60.0
"""Seconds in which one failure of a target is told, and how many there were beside it."""
MEASURES: Final = 5.0
"""Seconds between two looks at how much waits."""
CLOSED: Final = "the target is gone"

log = structlog.get_logger(__name__)


class Delivery:
    """Keeps one target's queue empty. A slow target has its own, and holds nobody else's."""

    def __init__(self, queue: Queue, sender: Sender, meter: Meter = UNMETERED) -> None:
        self._queue = queue
        self._sender = sender
        self._meter = meter
        self._target = sender.target
        self._news = asyncio.Event()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._told, self._untold = -TELLS, 0
        self._measured = -MEASURES
        self.backlog = Count(0, None)

    @property
    def target(self) -> str:
        """The target's name."""
        return self._target.name

    def wake(self) -> None:
        """Something was put into its queue."""
        self._news.set()

    async def run(self) -> None:
        """Go on until it is cancelled; a store that is away is asked again."""
        while True:
            self._news.clear()
            more = False
            try:
                more = await self.look()
                await self._measure()
            except IdentraError as fault:
                log.warning("webhooks not looked for", target=self._target.name, cause=str(fault))
            except Exception:  # one surprise must not end it for good
                log.exception("webhooks stumbled", target=self._target.name)
            if not more:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._news.wait(), LOOKS)

    async def look(self) -> bool:
        """Begin with what is due, waiting for room; whether there may be more at once."""
        lanes = await self._queue.due(self._target.name, PAGE)
        if not lanes:
            return False
        if await self._queue.is_closed(self._target.name, self._target.place):
            return bool(await self._queue.bury(self._target.name, CLOSED))
        for lane, found in lanes.items():
            await self._make_room()
            if lane in self._busy:
                await self._queue.rest(found)
            else:
                self._busy[lane] = asyncio.create_task(self._keep_to(lane, found))
        return sum(map(len, lanes.values())) == PAGE

    async def close(self) -> None:
        """Let what is being sent end, for GRACE seconds; the rest is anybody's again."""
        if not self._busy:
            return
        _, late = await asyncio.wait(self._busy.values(), timeout=GRACE)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def idle(self) -> None:
        """Wait until nothing is being sent."""
        while self._busy:
            await asyncio.wait(self._busy.values())

    async def _measure(self) -> None:
        """See how much waits, for whoever watches; on `backlog` it stays until the next time."""
        if self._meter.on and monotonic() - self._measured >= MEASURES:
            self.backlog = await self._queue.backlog(self._target.name)
            self._measured = monotonic()

    async def _make_room(self) -> None:
        while len(self._busy) >= AT_ONCE:
            await asyncio.wait(self._busy.values(), return_when=asyncio.FIRST_COMPLETED)

    async def _keep_to(self, lane: str, found: Sequence[str]) -> None:
        """Send a lane's dispatches one after the other, until one fails or none may be sent."""
        try:
            for _ in range(RUN):
                dispatch = await self._queue.take(self._target.name, lane, found)
                if dispatch is None or not await self._send(dispatch):
                    return
            await self._queue.resume(self._target.name, lane)
        except IdentraError as fault:  # the claim runs out, and somebody sends it again
            log.warning("webhook not settled", target=self._target.name, cause=str(fault))
        except Exception:  # one odd dispatch must not end the others
            log.exception("webhook not sent", target=self._target.name)
        finally:
            del self._busy[lane]
            self._news.set()

    async def _send(self, dispatch: Dispatch) -> bool:
        """Send one and settle it; whether the next of its lane may follow."""
        try:
            verdict = await self._sender.send(dispatch.event_id, dispatch.body)
        except asyncio.CancelledError:
            with parting(), suppress(IdentraError):
                await self._queue.release(dispatch)
            raise
        if verdict.fate == "delivered":
            await self._queue.deliver(dispatch, verdict.outcome)
            self._meter.webhook(self._target.name, "delivered")
            return True
        if verdict.fate == "gone":
            await self._close_target(dispatch, verdict)
            return False
        return await self._fail(dispatch, verdict)

    async def _fail(self, dispatch: Dispatch, verdict: Verdict) -> bool:
        wait = next_try(dispatch.tries + 1, portion(), verdict.asked, late=dispatch.late)
        if wait is None:
            await self._queue.give_up(dispatch, verdict.outcome)
        else:
            await self._queue.put_off(dispatch, wait, verdict.outcome)
        self._meter.webhook(self._target.name, "failed" if wait is not None else "dead")
        self._tell(dispatch, verdict, dead=wait is None)
        return wait is None

    async def _close_target(self, dispatch: Dispatch, verdict: Verdict) -> None:
        await self._queue.close_target(self._target.name, self._target.place)
        await self._queue.give_up(dispatch, verdict.outcome)
        self._meter.webhook(self._target.name, "gone")
        log.error("webhook target gone", target=self._target.name, event_id=dispatch.event_id)

    def _tell(self, dispatch: Dispatch, verdict: Verdict, *, dead: bool) -> None:
        """Tell of each that was given up; of other failures once a minute."""
        told = {"target": self._target.name, "event_id": dispatch.event_id}
        if dead:
            log.error("webhook given up", **told, cause=verdict.outcome)
        elif monotonic() - self._told < TELLS:
            self._untold += 1
        else:
            tries = dispatch.tries + 1
            said = {"cause": verdict.outcome, "tries": tries, "unsaid": self._untold}
            log.warning("webhook failed", **told, **said)
            self._told, self._untold = monotonic(), 0
