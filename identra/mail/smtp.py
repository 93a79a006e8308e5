"""The mailer that delivers: a bounded queue off the request path, and couriers behind it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import structlog

from identra.errors import Busy
from identra.mail.delivery import Delivery, Limits, Parcel, Undelivered
from identra.mail.envelope import compose
from identra.meter import UNMETERED
from identra.secret import digest, portion, token

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.meter import Meter
    from identra.settings.sections import SmtpMailer as SmtpSettings
    from identra.values import Clock, Message

ROOM: Final = 1000
COURIERS: Final = 4
SPREAD: Final = 0.25
"""Seconds within which a letter that a call asks for is begun, so that no next call feels which."""
STOP_PAUSE: Final = 0.1

log = structlog.get_logger(__name__)


class SmtpMailer:
    """Delivers through `[smtp_mailer]`; call `start` first and `close` last.

    `room` bounds the letters taken and not yet settled. After a temporary failure a letter is
    tried again as `limits` says.
    """

    def __init__(
        self,
        settings: SmtpSettings,
        *,
        clock: Clock | None = None,
        room: int = ROOM,
        limits: Limits = Limits(),  # noqa: B008 - frozen
        meter: Meter = UNMETERED,
    ) -> None:
        self._sender = settings.sender
        self._clock = clock or _system_clock
        self._delivery = Delivery(settings, limits)
        self._pauses = limits.pauses
        self._room = room
        self._meter = meter
        self._queue: asyncio.Queue[tuple[Parcel, int]] = asyncio.Queue()
        self._settled = asyncio.Event()
        self._settled.set()
        self._unsettled = 0
        self._closing = False
        self._couriers: list[asyncio.Task[None]] = []

    @property
    def configured(self) -> bool:
        """True: mail leaves here."""
        return True

    @property
    def unsettled(self) -> int:
        """How many letters were taken and neither delivered nor given up yet."""
        return self._unsettled

    def post(self, message: Message) -> None:
        """Take a message and return at once; its outcome is logged.

        Raises Busy when the queue is full or closing, ValueError for an unsafe recipient or
        subject.
        """
        parcel = self._pack(message)
        self._demand_room()
        self._take()
        self._queue.put_nowait((parcel, 0))

    def commission(self, to: str, write: Callable[[], Message], *, leaves: bool = True) -> None:
        """Take a letter that is written, and leaves, at a moment of chance within SPREAD seconds.

        Raises Busy as `post`; what can't be written is logged.
        """
        self._demand_room()
        self._take(leaves=leaves)
        loop = asyncio.get_running_loop()
        loop.call_later(portion() * SPREAD, self._write, to, write, leaves)

    async def start(self) -> None:
        """Set the couriers to work."""
        self._couriers = [asyncio.create_task(self._carry()) for _ in range(COURIERS)]

    async def close(self, grace: float) -> None:
        """Take no more, deliver what is queued for at most `grace` seconds, then stop."""
        self._closing = True
        try:
            async with asyncio.timeout(grace):
                await self._settled.wait()
        except TimeoutError:
            self._meter.mail("lost", self._unsettled)
            log.warning("mail left undelivered", letters=self._unsettled)
        await self._stop()

    def _demand_room(self) -> None:
        if self._closing or self._unsettled >= self._room:
            self._meter.mail("refused")
            raise Busy("the mail queue is full or closing", retry_after=5)

    def _take(self, *, leaves: bool = True) -> None:
        if leaves:
            self._meter.mail("queued")
        self._unsettled += 1
        self._settled.clear()

    def _write(self, to: str, write: Callable[[], Message], leaves: bool) -> None:  # noqa: FBT001 - as the loop calls it
        try:
            parcel = self._pack(write())
        except Exception as fault:  # noqa: BLE001 - one odd letter must not be lost in silence
            self._settle(Parcel(to, b"", token(16)), "mail failed", type(fault).__name__)
            return
        if leaves:
            self._queue.put_nowait((parcel, 0))
        else:
            self._let_go()

    def _pack(self, message: Message) -> Parcel:
        name = token(16)
        mail = compose(message, sender=self._sender, at=self._clock(), name=name)
        return Parcel(message.to, mail.as_bytes(), name)

    async def _stop(self) -> None:
        left = set(self._couriers)
        # Asked again and again: Python 3.11's wait_for can lose a cancellation on its way.
        while left:
            for courier in left:
                courier.cancel()
            _, left = await asyncio.wait(left, timeout=STOP_PAUSE)

    async def _carry(self) -> None:
        while True:
            parcel, tries = await self._queue.get()
            try:
                await self._delivery.deliver(parcel)
            except Undelivered as fault:
                self._try_again(parcel, tries, fault)
            except Exception as fault:  # noqa: BLE001 - one odd letter must not end a courier
                self._settle(parcel, "mail failed", type(fault).__name__)
            else:
                self._settle(parcel, "mail delivered")

    def _try_again(self, parcel: Parcel, tries: int, fault: Undelivered) -> None:
        if not fault.again or tries >= len(self._pauses):
            self._settle(parcel, "mail failed", fault.cause)
            return
        self._meter.mail("delayed")
        log.info("mail delayed", **_known(parcel), cause=fault.cause, tries=tries + 1)
        # Waiting aside, so that a server greylisting one address holds up no other.
        again = (parcel, tries + 1)
        asyncio.get_running_loop().call_later(self._pauses[tries], self._queue.put_nowait, again)

    def _let_go(self) -> None:
        self._unsettled -= 1
        if not self._unsettled:
            self._settled.set()

    def _settle(self, parcel: Parcel, outcome: str, cause: str = "") -> None:
        self._let_go()
        self._meter.mail("failed" if cause else "delivered")
        if cause:
            log.error(outcome, **_known(parcel), cause=cause)
        else:
            log.info(outcome, **_known(parcel))


def _system_clock() -> int:
    return time.time_ns() // 1_000


def _known(parcel: Parcel) -> dict[str, str]:
    """How logs speak of a letter: without its address, let alone what it says."""
    return {"letter": parcel.name, "recipient": digest("mail recipient", parcel.to)[:16]}
