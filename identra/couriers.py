"""Getting a code to its recipient: by the house's mail, or by the provider's own channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from identra.asked import Delivery
from identra.deadline import bounded
from identra.errors import (
    MailNotConfigured,
    PluginFailed,
    ProviderNotConfigured,
    ProviderRefused,
    ProviderUnavailable,
)
from identra.loader import lacks
from identra.mail import letters
from identra.providers.code import link_of
from identra.trail import step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.hooks import Hooks
    from identra.mishaps import Mishaps
    from identra.providers.code import CodeProvider
    from identra.values import Mailer, Upstream

MINUTES: Final = 10
LIVES: Final = str(MINUTES * 60)
TIME_LIMIT: Final = 10.0


class Couriers:
    """Carries codes. Mail leaves off the request path; another channel has ten seconds."""

    def __init__(  # noqa: PLR0913 - the ways out, and what messages say of the house
        self,
        mailer: Mailer,
        upstreams: Mapping[str, Upstream],
        hooks: Hooks,
        mishaps: Mishaps,
        *,
        application: str,
        public_url: str,
    ) -> None:
        self._mailer = mailer
        self._hooks = hooks
        self._mishaps = mishaps
        self._upstreams = upstreams
        self._application = application
        self._public_url = public_url

    def demand(self, provider: CodeProvider) -> None:
        """Raise MailNotConfigured or ProviderNotConfigured if this provider's codes can't leave."""
        if provider.by_mail:
            self.demand_mail()
        elif missing := lacks(provider):
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
            link = link_of(provider, code, public_url=self._public_url)
            self.mail_code(to, code, use_html=use_html, link=link)
            return
        text = f"{code} is your code for {self._application}. It is valid for {MINUTES} minutes."
        delivery = Delivery("code", provider.name, to, self._application, text)
        if await self._hooks.send_message(delivery):
            step("code.sent", by="plugin", lives=LIVES)
            return
        await self._mishaps.noting(self._over_its_channel(provider, to, text))
        step("code.sent", by=provider.name, lives=LIVES)

    async def _over_its_channel(self, provider: CodeProvider, to: str, text: str) -> None:
        try:
            await bounded(provider.send(self._upstreams[provider.name], to, text), TIME_LIMIT)
        except ProviderUnavailable:
            raise
        except ProviderRefused as no:  # the channel's no is about its message, not the caller
            raise ProviderUnavailable(no.detail, retry_after=5) from no
        except TimeoutError as late:
            raise PluginFailed(provider.name, "send", "no answer in time") from late
        except Exception as fault:
            raise PluginFailed(provider.name, "send", type(fault).__name__) from fault

    def mail_code(self, to: str, code: str, *, use_html: bool, link: str | None = None) -> None:
        """Queue the mail that carries a code, and a link if there is one. Raises Busy."""
        self._mailer.post(
            letters.code(
                to,
                code,
                minutes=MINUTES,
                application=self._application,
                use_html=use_html,
                link=link,
            )
        )
        step("code.sent", by="mail", lives=LIVES)

    def mail_reset(self, to: str, code: str, *, leaves: bool) -> None:
        """Queue the mail that brings a code for a new password. Raises Busy.

        One that is not to leave is written all the same, so that its time tells nothing.
        """
        letter = letters.reset_code(to, code, minutes=MINUTES, application=self._application)
        if leaves:
            self._mailer.post(letter)
            step("code.sent", by="mail", lives=LIVES)
        else:
            self._mailer.withhold(letter)
            step("code.withheld")

    def mail_address_code(self, to: str, code: str) -> None:
        """Queue the mail that brings a code by which the address joins an account. Raises Busy."""
        self._mailer.post(
            letters.address_code(to, code, minutes=MINUTES, application=self._application)
        )

    def mail_already_registered(self, to: str) -> None:
        """Queue the mail that tells an owner somebody tried to register her address."""
        self._mailer.post(letters.already_registered(to, application=self._application))
