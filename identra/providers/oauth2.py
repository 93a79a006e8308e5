"""The oauth2 kind: the authorization code flow with PKCE (RFC 6749, 4.1; RFC 7636; RFC 9700)."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

from identra.providers.redirecting import (
    Client,
    OAuth2Settings,
    RedirectingProvider,
    demand_authorize_url,
    demand_url,
    departure,
    in_its_time,
    made_anew,
    redeem,
)
from identra.trail import step

if TYPE_CHECKING:
    from identra.providers.base import Kind
    from identra.providers.redirecting import Trip
    from identra.values import Upstream, UserInfo

__all__ = ["OAuth2Place", "OAuth2Provider", "OAuth2Settings", "authorization_url", "exchange"]


class OAuth2Provider(RedirectingProvider):
    """A place that speaks OAuth 2.0. Fill in the endpoints, `hosts`, `scopes` and `userinfo`.

    The hosts of `token_url` and of the endpoints `userinfo` reads must be among `hosts`.
    """

    kind: ClassVar[Kind] = "oauth2"
    authorize_url: str
    token_url: str

    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        """Ask the provider, with its access token, who this is."""
        raise NotImplementedError

    @property
    def issuer(self) -> str:
        """The origin that people are sent to."""
        return _origin(self.authorize_url)

    def demand_sound(self) -> None:
        """ValueError unless both endpoints are https, or http here, and hosts names one."""
        super().demand_sound()
        demand_authorize_url(self.authorize_url)
        demand_url(self.token_url, self.hosts)


class OAuth2Place:
    """The round trip to one such place."""

    def __init__(self, provider: OAuth2Provider, upstream: Upstream) -> None:
        self._provider = provider
        self._upstream = upstream

    async def open(self) -> OAuth2Place:
        """Itself: nothing has to be asked before people are sent there."""
        return self

    def leave(self, trip: Trip) -> str:
        """Where the person is sent."""
        return authorization_url(
            self._provider,
            state=trip.state,
            verifier=trip.verifier,
            redirect_url=trip.redirect_url,
        )

    def sent(self, iss: str | None) -> bool:
        """Whether an answer that names this issuer (RFC 9207), or none, may be the place's own.

        Such a place publishes no issuer, so what it may name is one of its own origin.
        """
        return iss is None or _origin(iss) == self._provider.issuer

    async def arrive(self, trip: Trip, code: str) -> UserInfo:
        """Who came back. Raises ProviderRefused, ProviderUnavailable."""
        return await exchange(
            self._provider,
            self._upstream,
            code=code,
            verifier=trip.verifier,
            redirect_url=trip.redirect_url,
        )


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}".lower()


def authorization_url(
    provider: OAuth2Provider, *, state: str, verifier: str, redirect_url: str
) -> str:
    """Where the person is sent (RFC 6749, 4.1.1), with PKCE S256 always."""
    return departure(
        provider,
        provider.authorize_url,
        state=state,
        verifier=verifier,
        redirect_url=redirect_url,
    )


async def exchange(
    provider: OAuth2Provider,
    upstream: Upstream,
    *,
    code: str,
    verifier: str,
    redirect_url: str,
) -> UserInfo:
    """Trade the code for a token (RFC 6749, 4.1.3) and read who it belongs to, in 9 s in all.

    Raises ProviderRefused when the provider says no, ProviderUnavailable when it can't be
    understood or does not answer in time. A plugin's exception, whatever it is, is the latter.
    """
    reading = _read_person(provider, upstream, code, verifier, redirect_url)
    return await in_its_time(provider.name, reading)


async def _read_person(
    provider: OAuth2Provider, upstream: Upstream, code: str, verifier: str, redirect_url: str
) -> UserInfo:
    settings = provider.settings
    secret = settings.client_secret.get_secret_value()
    client = Client(settings.client_id, secret, provider.client_auth or "post")
    answer = await redeem(
        provider.name,
        upstream,
        provider.token_url,
        client,
        code=code,
        verifier=verifier,
        redirect_url=redirect_url,
    )
    step("provider.asked", provider=provider.name, phase="userinfo")
    told: object = await provider.userinfo(upstream, answer["access_token"])
    return made_anew(provider.name, "userinfo", told)
