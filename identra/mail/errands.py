"""The mail of one command, which ends no sooner than it left, or tells that it did not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from identra.mail.delivery import Delivery, Limits, Parcel, Undelivered
from identra.mail.envelope import compose, refuse_unsafe
from identra.secret import token

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.settings.sections import SmtpMailer as SmtpSettings
    from identra.values import Clock, Message

LIMITS: Final = Limits(pauses=(1.0, 5.0))
"""Somebody sits there and waits: a server that is away is not tried for as long as by a service."""


class Errands:
    """Takes letters, and carries them when it is closed.

    `unsent` is told the name of each that did not leave, and why: also where there are no
    `settings` by which any could. Nothing is logged.
    """

    def __init__(
        self,
        settings: SmtpSettings | None,
        clock: Clock,
        unsent: Callable[[str, str], None],
        *,
        limits: Limits = LIMITS,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._unsent = unsent
        self._limits = limits
        self._letters: list[Message] = []

    @property
    def configured(self) -> bool:
        """True: what can't leave is told at the end."""
        return True

    def post(self, message: Message) -> None:
        """Take a message. Raises ValueError for an unsafe recipient or subject."""
        refuse_unsafe(message)
        self._letters.append(message)

    def withhold(self, message: Message) -> None:
        """Take nothing. Raises as `post`."""
        refuse_unsafe(message)

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self, grace: float) -> None:
        """Deliver what was taken, for at most `grace` seconds in all; tell what did not leave."""
        ends_at = asyncio.get_running_loop().time() + grace
        for letter in self._letters:
            if cause := await self._carry(letter, ends_at):
                self._unsent(letter.letter, cause)

    async def _carry(self, letter: Message, ends_at: float) -> str:
        """Deliver a letter; why that failed, or nothing."""
        if self._settings is None:
            return "there is no [smtp_mailer]"
        name = token(16)
        mail = compose(letter, sender=self._settings.sender, at=self._clock(), name=name)
        try:
            async with asyncio.timeout_at(ends_at):
                parcel = Parcel(letter.to, mail.as_bytes(), name)
                await self._deliver(Delivery(self._settings, self._limits), parcel)
        except Undelivered as fault:
            return fault.cause
        except TimeoutError:
            return "the mail server took too long"
        return ""

    async def _deliver(self, delivery: Delivery, parcel: Parcel) -> None:
        for pause in self._limits.pauses:
            try:
                return await delivery.deliver(parcel)
            except Undelivered as fault:
                if not fault.again:
                    raise
            await asyncio.sleep(pause)
        return await delivery.deliver(parcel)
