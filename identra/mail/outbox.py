"""Development's mailer: keeps the last messages and shows each on the console."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import click

from identra.mail.envelope import refuse_unsafe

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.values import Message

KEPT: Final = 100


class Outbox:
    """Nothing leaves the process. For `--dev` alone: what it shows would open accounts."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque(maxlen=KEPT)

    @property
    def configured(self) -> bool:
        """True: development can read its mail here."""
        return True

    @property
    def messages(self) -> tuple[Message, ...]:
        """The last 100 messages, oldest first."""
        return tuple(self._messages)

    def post(self, message: Message) -> None:
        """Keep the message and print it on standard error. Raises ValueError as SMTP would."""
        refuse_unsafe(message)
        self._messages.append(message)
        click.echo(_block(message), err=True)

    def commission(self, to: str, write: Callable[[], Message], *, leaves: bool = True) -> None:  # noqa: ARG002 - the message says so itself
        """Write it at once, and keep and print it if it leaves. Raises ValueError as `post`."""
        message = write()
        if leaves:
            self.post(message)
        else:
            refuse_unsafe(message)

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self, grace: float) -> None:
        """Nothing to wait for."""


def _block(message: Message) -> str:
    lines = (f"To: {message.to}", f"Subject: {message.subject}", "", *message.text.splitlines())
    return "\n".join(["┌ mail", *(f"│ {line}".rstrip() for line in lines), "└"])
