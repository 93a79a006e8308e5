"""Getting a code to its recipient: by the house's mail, or by the provider's own channel."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from identra.errors import (
    MailNotConfigured,
    ProviderNotConfigured,
    ProviderRefused,
    ProviderUnavailable,
)
from identra.mail import letters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.providers.code import CodeProvider
    from identra.values import Mailer, Upstream

MINUTES: Final = 10
TIME_LIMIT: Final = 10.0


class Couriers:
    """Carries codes. Mail leaves off the request path; another channel has ten seconds."""

    def __init__(
        self, mailer: Mailer, upstreams: Mapping[str, Upstream], *, application: str
    ) -> None:
        self._mailer = mailer
        self._upstreams = upstreams
        self._application = application

    def demand(self, provider: CodeProvider) -> None:
        """Raise MailNotConfigured or ProviderNotConfigured if this provider's codes can't leave."""
        if provider.by_mail:
            self.demand_mail()
        elif missing := provider.missing():
            raise ProviderNotConfigured(f"{provider.name}: {missing}")

    def demand_mail(self) -> None:
        """Raise MailNotConfigured if no mail can leave."""
        if not self._mailer.configured:
            raise MailNotConfigured("no [smtp_mailer]")

    async def send_code(
        self, provider: CodeProvider, to: str, code: str, *, use_html: bool
    ) -> None:
        """Send a code on its way. Raises Busy or ProviderUnavailable."""
        if provider.by_mail:
            self.mail_code(to, code, use_html=use_html)
            return
        text = f"{code} is your code for {self._application}. It is valid for {MINUTES} minutes."
        try:
            async with asyncio.timeout(TIME_LIMIT):
                await provider.send(self._upstreams[provider.name], to, text)
        except ProviderUnavailable:
            raise
        except ProviderRefused as no:  # the channel's no is about its message, not the caller
            raise ProviderUnavailable(no.detail, retry_after=5) from no
        except Exception as fault:
            detail = f"{provider.name}: {type(fault).__name__}"
            raise ProviderUnavailable(detail, retry_after=5) from fault

    def mail_code(self, to: str, code: str, *, use_html: bool) -> None:
        """Queue the mail that carries a code. Raises Busy."""
        self._mailer.post(
            letters.code(
                to, code, minutes=MINUTES, application=self._application, use_html=use_html
            )
        )

    def mail_already_registered(self, to: str) -> None:
        """Queue the mail that tells an owner somebody tried to register her address."""
        self._mailer.post(letters.already_registered(to, application=self._application))
