"""Getting a code to its recipient: by the house's mail, or by the provider's own channel."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Final

from identra.asked import Delivery
from identra.caller import coarse_of
from identra.deadline import bounded, elsewhere
from identra.errors import (
    MailNotConfigured,
    PluginFailed,
    ProviderNotConfigured,
    ProviderRefused,
    ProviderUnavailable,
    StoreUnavailable,
)
from identra.loader import lacks
from identra.mail.letters import Facts
from identra.providers.code import link_of
from identra.trail import step

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.hooks import Hooks
    from identra.locales import Locale
    from identra.mail.letters import Letters, Name
    from identra.mishaps import Mishaps
    from identra.providers.code import CodeProvider
    from identra.users import Users
    from identra.values import Mailer, Peer, Upstream

MINUTES: Final = 10
LIVES: Final = str(MINUTES * 60)
TIME_LIMIT: Final = 9.0


class Couriers:
    """Carries codes. Mail leaves off the request path; another channel has nine seconds."""

    def __init__(  # noqa: PLR0913 - the ways out, and what messages say of the house
        self,
        mailer: Mailer,
        upstreams: Mapping[str, Upstream],
        hooks: Hooks,
        mishaps: Mishaps,
        *,
        users: Users,
        letters: Letters,
        application: str,
        public_url: str,
    ) -> None:
        self._mailer = mailer
        self._users = users
        self._letters = letters
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
        self, provider: CodeProvider, to: str, code: str, peer: Peer, *, use_html: bool
    ) -> None:
        """Send a code on its way. Raises Busy or ProviderUnavailable."""
        if provider.by_mail:
            link = link_of(provider, code, public_url=self._public_url)
            facts = Facts(code=code, link=link)
            await self.mail_code("code", to, facts, peer, html=use_html)
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
            sending = provider.send(self._upstreams[provider.name], to, text)
            await bounded(sending, elsewhere(TIME_LIMIT))
        except ProviderUnavailable:
            raise
        except ProviderRefused as no:  # the channel's no is about its message, not the caller
            raise ProviderUnavailable(no.detail, retry_after=5) from no
        except TimeoutError as late:
            raise PluginFailed(provider.name, "send", "no answer in time") from late
        except Exception as fault:
            raise PluginFailed(provider.name, "send", type(fault).__name__) from fault

    async def mail_code(
        self, name: Name, to: str, facts: Facts, peer: Peer, *, html: bool = True
    ) -> None:
        """Queue a letter that carries a code, in the language of whoever asked. Raises Busy."""
        await self.mail(name, to, facts, peer, html=html)
        step("code.sent", by="mail", lives=LIVES)

    async def mail_reset(self, to: str, code: str, peer: Peer, *, leaves: bool) -> None:
        """Queue the letter that brings a code for a new password. Raises Busy.

        One that is not to leave is written all the same, so that its time tells nothing.
        """
        await self.mail("password_reset_code", to, Facts(code=code), peer, leaves=leaves)
        if leaves:
            step("code.sent", by="mail", lives=LIVES)
        else:
            step("code.withheld")

    async def mail(  # noqa: PLR0913 - what a letter is made of
        self,
        name: Name,
        to: str,
        facts: Facts,
        peer: Peer,
        *,
        html: bool = True,
        leaves: bool = True,
    ) -> None:
        """Queue a letter that a call asked for. Raises Busy.

        Its language is the call's, else that of the address's owner; whether there is one is asked
        for every address alike. Languages and letters differ in what it takes to write them, so
        that is not done within the call.
        """
        locale = peer.locale or await self._owners(to) or self._letters.default
        told = facts.of(coarse_of(peer.address))
        write = partial(self._letters.write, name, to, locale, told, html=html)
        self._mailer.commission(to, write, leaves=leaves)

    async def _owners(self, to: str) -> Locale | None:
        with suppress(StoreUnavailable):  # a letter in another language is better than none
            return await self._users.locale_at(to)
        return None
