"""What the two kinds share that send people to another place: OAuth 2.0 and OpenID Connect."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import SecretStr

from identra.deadline import bounded, elsewhere
from identra.errors import IdentraError, PluginFailed, ProviderRefused, ProviderUnavailable
from identra.providers.base import Provider, ProviderSettings
from identra.secret import pkce_challenge
from identra.trail import step
from identra.values import Address, UserInfo, error_word

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping

    from identra.values import Upstream

T = TypeVar("T")

TIME_LIMIT: Final = 9.0
LONGEST_TOKEN: Final = 8192
LONGEST_URL: Final = 2048
OURS: Final = frozenset(
    {
        *("client_id", "client_secret", "code_challenge", "code_challenge_method", "nonce"),
        *("redirect_uri", "request", "request_uri", "response_type", "scope", "state"),
    }
)
"""Parameters of an authorization request that the core alone says."""
SAMPLES: Final = (
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


class RedirectingProvider(Provider):
    """A place that people are sent to and come back from. Subclass a kind, not this.

    `needs` names the settings without which it can't serve. `authorize_parameters` are told to
    the place besides the core's own. `client_auth` says how the application proves itself.
    """

    settings_model: ClassVar[type[ProviderSettings]] = OAuth2Settings
    settings: OAuth2Settings
    needs: ClassVar[tuple[str, ...]] = ("client_id", "client_secret", "redirect_url")
    scopes: tuple[str, ...] = ()
    authorize_parameters: Mapping[str, str] = MappingProxyType({})
    client_auth: Literal["post", "basic"] | None = None

    def missing(self) -> str | None:
        """`missing_` and the first absent key, `sample_credentials`, or None."""
        values = {name: _plain(getattr(self.settings, name)) for name in self.needs}
        absent = next((name for name, value in values.items() if not value), None)
        if absent:
            return f"missing_{absent}"
        published = any(_is_sample(values[name]) for name in self.needs if name != "redirect_url")
        return "sample_credentials" if published else None

    @property
    def redirects(self) -> tuple[str, ...]:
        """The redirect URLs that may be asked for, the usual one first; matched exactly."""
        return (self.settings.redirect_url, *self.settings.redirect_urls)

    @property
    def issuer(self) -> str:
        """What tells this place from every other one: an origin, or an OpenID issuer."""
        raise NotImplementedError

    def demand_sound(self) -> None:
        """ValueError for endpoints, hosts, scopes or parameters that no provider may have."""
        if not all(self.reaches):
            raise ValueError("a host is empty")
        demand_words("scopes", self.scopes)
        demand_words("authorize_parameters", tuple(self.authorize_parameters.values()))
        if self.client_auth not in {None, "post", "basic"}:
            raise ValueError("client_auth is post or basic")
        demand_theirs("authorize_parameters say", self.authorize_parameters)


@dataclass(frozen=True, slots=True)
class Trip:
    """One way there and back. Only the core sees what it proves itself with."""

    redirect_url: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    nonce: str = field(repr=False)


async def in_its_time(name: str, reading: Coroutine[Any, Any, T]) -> T:
    """What a provider reads within nine seconds, whatever it does with its being cut off.

    Raises as `one_clean_error`.
    """
    async with one_clean_error(name):
        return await bounded(reading, elsewhere(TIME_LIMIT))


@asynccontextmanager
async def one_clean_error(name: str, call: str = "userinfo") -> AsyncIterator[None]:
    """Nine seconds for the request so far and what is inside; PluginFailed for what goes wrong.

    A plugin's own words may hold what the place told us, so only a fault's name is told. One that
    would end the process only fails.
    """
    try:
        async with asyncio.timeout(elsewhere(TIME_LIMIT)):
            yield
    except TimeoutError as late:
        raise PluginFailed(name, call, "no answer in time") from late
    except IdentraError:
        raise
    except (Exception, SystemExit) as fault:
        raise PluginFailed(name, call, type(fault).__name__) from fault


def made_anew(name: str, call: str, told: object) -> UserInfo:
    """What a plugin tells of somebody, held against the contract here: a subclass may not check.

    Raises PluginFailed, ValueError.
    """
    if not isinstance(told, UserInfo):
        raise PluginFailed(name, call, "gave no UserInfo")
    addresses = tuple(Address(one.email, one.verified, one.primary) for one in told.addresses)
    return UserInfo(told.subject, told.username, told.avatar_url, addresses)


def departure(
    provider: RedirectingProvider,
    authorize_url: str,
    *,
    state: str,
    verifier: str,
    redirect_url: str,
    **more: str,
) -> str:
    """Where the person is sent (RFC 6749, 4.1.1), with PKCE S256 always."""
    query = {
        **provider.authorize_parameters,
        "response_type": "code",
        "client_id": provider.settings.client_id,
        "redirect_uri": redirect_url,
        "scope": " ".join(provider.scopes),
        "state": state,
        "code_challenge": pkce_challenge(verifier),
        "code_challenge_method": "S256",
        **more,
    }
    joint = "&" if urlsplit(authorize_url).query else "?"
    return f"{authorize_url}{joint}{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class Client:
    """How the application proves itself at the token endpoint (RFC 6749, 2.3.1)."""

    id: str
    secret: str = field(repr=False)
    auth: Literal["post", "basic"]


async def redeem(  # noqa: PLR0913 - what RFC 6749, 4.1.3 asks for, each by name
    name: str,
    upstream: Upstream,
    token_url: str,
    client: Client,
    *,
    code: str,
    verifier: str,
    redirect_url: str,
) -> dict[str, Any]:
    """Trade the code (RFC 6749, 4.1.3); the answer, whose access_token can be used."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_url,
        "code_verifier": verifier,
    }
    step("provider.asked", provider=name, phase="token")
    if client.auth == "basic":
        answer = await upstream.post_form(token_url, form, basic=(client.id, client.secret))
    else:
        form |= {"client_id": client.id, "client_secret": client.secret}
        answer = await upstream.post_form(token_url, form)
    _demand_token(name, answer)
    return answer


def demand_url(url: object, hosts: tuple[str, ...] | None = None) -> str:
    """The URL, if it is https (or http on this machine) to one of these hosts; ValueError."""
    if not isinstance(url, str) or not url.isascii() or len(url) > LONGEST_URL:
        raise ValueError("an endpoint is no URL")
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_near(parts.hostname)):
        raise ValueError(f"{url} is neither https nor http on this machine")
    if not parts.hostname or "@" in parts.netloc or parts.fragment or not url.isprintable():
        raise ValueError(f"{url} is no endpoint")
    if hosts is not None and parts.netloc not in hosts:
        raise ValueError(f"the host of {url} is not among hosts")
    return url


def demand_words(name: str, said: object) -> None:
    """ValueError unless these are several texts: of one text alone each letter would be one."""
    if not isinstance(said, tuple | list) or not all(isinstance(word, str) for word in said):
        raise ValueError(f"{name} are no texts")


def demand_authorize_url(url: object, hosts: tuple[str, ...] | None = None) -> str:
    """As `demand_url`, and the URL's own query says nothing that is the core's."""
    demanded = demand_url(url, hosts)
    query = parse_qsl(urlsplit(demanded).query, keep_blank_values=True)
    demand_theirs("the authorization endpoint says", (name for name, _ in query))
    return demanded


def demand_theirs(saying: str, names: Iterable[str]) -> None:
    """ValueError if one of these is a parameter that the core alone says.

    Said twice, a place might go by the other one: by a state that is always the same.
    """
    if said := OURS & set(names):
        raise ValueError(f"{saying} {min(said)}, which is the core's")


def is_near(host: str | None) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _demand_token(name: str, answer: dict[str, Any]) -> None:
    if answer.get("error"):
        raise ProviderRefused(f"{name}: {error_word(answer['error']) or 'an error'}")
    token = answer.get("access_token")
    if not isinstance(token, str) or not 0 < len(token) <= LONGEST_TOKEN or not token.isascii():
        raise ProviderUnavailable(f"{name}: the token endpoint gave no access_token", retry_after=5)
    if str(answer.get("token_type", "bearer")).lower() != "bearer":
        raise ProviderUnavailable(f"{name}: a token of another type than bearer", retry_after=5)


def _plain(value: Any) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)


def _is_sample(value: str) -> bool:
    return value.strip().lower().startswith(SAMPLES)
