"""Word to an account's owner: by a plugin that takes it, else by mail; off the request path."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import structlog

from identra.asked import Delivery
from identra.errors import Busy

if TYPE_CHECKING:
    from identra.hooks import Hooks
    from identra.values import Mailer, Message

ROOM: Final = 1000
"""Notices that wait for a plugin in one process; further ones leave by mail alone."""
GRACE: Final = 5.0
"""Seconds in which what waits still leaves while the house is closed."""

log = structlog.get_logger(__name__)


class Messenger:
    """Without a plugin for messages a notice goes into the mail's queue at once."""

    def __init__(self, mailer: Mailer, hooks: Hooks) -> None:
        self._mailer = mailer
        self._hooks = hooks
        self._waiting: set[asyncio.Task[None]] = set()

    @property
    def configured(self) -> bool:
        """Whether a notice can leave at all."""
        return self._mailer.configured or self._hooks.has("send_message")

    def post(self, message: Message, user_id: str) -> None:
        """Send a notice on its way; return at once. Raises Busy where the mail's queue is full."""
        if not self._hooks.has("send_message") or len(self._waiting) >= ROOM:
            self._mail(message)
            return
        task = asyncio.create_task(self._carry(message, user_id))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def close(self) -> None:
        """Let what waits leave, for GRACE seconds."""
        if self._waiting:
            await asyncio.wait(self._waiting, timeout=GRACE)

    async def _carry(self, message: Message, user_id: str) -> None:
        delivery = Delivery(
            "notice",
            "email",
            message.to,
            message.subject,
            message.text,
            user_id,
            html=message.html or "",
            letter=message.letter,
            locale=message.locale,
        )
        if await self._hooks.send_message(delivery):
            return
        try:
            self._mail(message)
        except Busy as full:
            log.warning("notice not sent", user_id=user_id, reason=full.reason)

    def _mail(self, message: Message) -> None:
        if self._mailer.configured:
            self._mailer.post(message)
