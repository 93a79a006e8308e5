"""The oauth2 kind: the authorization code flow with PKCE (RFC 6749, 4.1; RFC 7636; RFC 9700)."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode, urlsplit

from pydantic import SecretStr

from identra.deadline import bounded
from identra.errors import IdentraError, PluginFailed, ProviderRefused, ProviderUnavailable
from identra.providers.base import Kind, Provider, ProviderSettings
from identra.secret import pkce_challenge
from identra.values import UserInfo, error_word

if TYPE_CHECKING:
    from identra.values import Upstream

TIME_LIMIT = 10.0
LONGEST_TOKEN = 8192
SAMPLES = (
    "your",
    "<",
    "…",
    "...",
    "example",
    "sample",
    "changeme",
    "change-me",
    "xxx",
    "placeholder",
)


class OAuth2Settings(ProviderSettings):
    """What an operator was given by the provider when registering the application."""

    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    redirect_url: str = ""
    redirect_urls: tuple[str, ...] = ()


class OAuth2Provider(Provider):
    """A place that speaks OAuth 2.0. Fill in the endpoints, `hosts`, `scopes` and `userinfo`.

    The hosts of `token_url` and of the endpoints `userinfo` reads must be among `hosts`.
    """

    kind: ClassVar[Kind] = "oauth2"
    settings_model: ClassVar[type[ProviderSettings]] = OAuth2Settings
    settings: OAuth2Settings
    authorize_url: str
    token_url: str
    scopes: tuple[str, ...] = ()

    async def userinfo(self, upstream: Upstream, token: str) -> UserInfo:
        """Ask the provider, with its access token, who this is."""
        raise NotImplementedError

    def missing(self) -> str | None:
        """`missing_` and the first absent key, `sample_credentials`, or None."""
        values = {
            "client_id": self.settings.client_id,
            "client_secret": self.settings.client_secret.get_secret_value(),
            "redirect_url": self.settings.redirect_url,
        }
        absent = next((name for name, value in values.items() if not value), None)
        if absent:
            return f"missing_{absent}"
        published = any(_is_sample(values[name]) for name in ("client_id", "client_secret"))
        return "sample_credentials" if published else None

    @property
    def redirects(self) -> tuple[str, ...]:
        """The redirect URLs that may be asked for, the usual one first; matched exactly."""
        return (self.settings.redirect_url, *self.settings.redirect_urls)


def authorization_url(
    provider: OAuth2Provider, *, state: str, verifier: str, redirect_url: str
) -> str:
    """Where the person is sent (RFC 6749, 4.1.1), with PKCE S256 always."""
    query = {
        "response_type": "code",
        "client_id": provider.settings.client_id,
        "redirect_uri": redirect_url,
        "scope": " ".join(provider.scopes),
        "state": state,
        "code_challenge": pkce_challenge(verifier),
        "code_challenge_method": "S256",
    }
    joint = "&" if urlsplit(provider.authorize_url).query else "?"
    return f"{provider.authorize_url}{joint}{urlencode(query)}"


def demand_endpoints(provider: OAuth2Provider) -> None:
    """ValueError unless both endpoints are https, or http on this machine, and hosts names one."""
    for url in (provider.authorize_url, provider.token_url):
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_near(parts.hostname)):
            raise ValueError(f"{url} is neither https nor http on this machine")
    if urlsplit(provider.token_url).netloc not in provider.hosts:
        raise ValueError("the host of token_url is not among hosts")


async def exchange(
    provider: OAuth2Provider,
    upstream: Upstream,
    *,
    code: str,
    verifier: str,
    redirect_url: str,
) -> UserInfo:
    """Trade the code for a token (RFC 6749, 4.1.3) and read who it belongs to, in 10 s in all.

    Raises ProviderRefused when the provider says no, ProviderUnavailable when it can't be
    understood or does not answer in time. A plugin's exception, whatever it is, is the latter.
    """
    try:
        reading = _read_person(provider, upstream, code, verifier, redirect_url)
        info: object = await bounded(reading, TIME_LIMIT)
    except TimeoutError as late:
        raise PluginFailed(provider.name, "userinfo", "no answer in time") from late
    except IdentraError:
        raise
    except Exception as fault:
        # A plugin's own words may hold what the place told us, so only the fault's name is told.
        raise PluginFailed(provider.name, "userinfo", type(fault).__name__) from fault
    if not isinstance(info, UserInfo):
        raise PluginFailed(provider.name, "userinfo", "gave no UserInfo")
    return info


async def _read_person(
    provider: OAuth2Provider, upstream: Upstream, code: str, verifier: str, redirect_url: str
) -> UserInfo:
    token = await _redeem(provider, upstream, code, verifier, redirect_url)
    return await provider.userinfo(upstream, token)


async def _redeem(
    provider: OAuth2Provider, upstream: Upstream, code: str, verifier: str, redirect_url: str
) -> str:
    answer = await upstream.post_form(
        provider.token_url,
        {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_url,
            "client_id": provider.settings.client_id,
            "client_secret": provider.settings.client_secret.get_secret_value(),
            "code_verifier": verifier,
        },
    )
    return _read_token(provider.name, answer)


def _read_token(name: str, answer: dict[str, Any]) -> str:
    if answer.get("error"):
        raise ProviderRefused(f"{name}: {error_word(answer['error']) or 'an error'}")
    token = answer.get("access_token")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN or not token.isascii():
        raise ProviderUnavailable(f"{name}: the token endpoint gave no access_token")
    if str(answer.get("token_type", "bearer")).lower() != "bearer":
        raise ProviderUnavailable(f"{name}: the token is of another type than bearer")
    return token


def _is_near(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _is_sample(value: str) -> bool:
    return value.strip().lower().startswith(SAMPLES)
