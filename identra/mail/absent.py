"""The mailer of a service that was given no mail server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.errors import MailNotConfigured

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.values import Message


class NoMailer:
    """Never configured: callers ask `configured` first, and `post` raises MailNotConfigured."""

    @property
    def configured(self) -> bool:
        """False: no mail leaves here."""
        return False

    def post(self, message: Message) -> None:  # noqa: ARG002 - the protocol's shape
        """Raise MailNotConfigured."""
        raise MailNotConfigured("no [smtp_mailer]")

    def commission(
        self,
        to: str,  # noqa: ARG002 - the protocol's shape
        write: Callable[[], Message],  # noqa: ARG002 - the protocol's shape
        *,
        leaves: bool = True,  # noqa: ARG002 - the protocol's shape
    ) -> None:
        """Raise MailNotConfigured."""
        raise MailNotConfigured("no [smtp_mailer]")

    async def start(self) -> None:
        """Nothing to open."""

    async def close(self, grace: float) -> None:
        """Nothing to wait for."""
