"""What an OpenID place says of itself: its endpoints and its keys, each kept for a while."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, TypeVar

from identra.errors import IdentraError, ProviderUnavailable
from identra.providers.idtoken import find_key
from identra.providers.redirecting import demand_url
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jwcrypto.jwk import JWK

    from identra.providers.idtoken import Unverified
    from identra.values import Clock, Upstream

T = TypeVar("T")

METADATA_KEPT: Final = 3600
KEYS_KEPT: Final = 600
KEYS_REST: Final = 60
"""Seconds in which an unknown `kid` has the keys read again just once."""

FAILURE_KEPT: Final = 5
PATIENCE: Final = 5.0
"""Seconds for either: less than a sign-in has, so that a silent place is remembered as such."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is used of a discovery document (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorize_url: str
    token_url: str
    jwks_url: str
    userinfo_url: str | None
    names_issuer: bool
    """Whether its redirect always says `iss` (RFC 9207, 3)."""

    auth: Literal["post", "basic"]


def read_metadata(answer: Any, issuer: str, hosts: tuple[str, ...]) -> Metadata:
    """The metadata of this very issuer, with endpoints at these hosts alone. Raises ValueError."""
    if not isinstance(answer, dict) or answer.get("issuer") != issuer:
        raise ValueError("speaks of another issuer")
    userinfo = "userinfo_endpoint"
    return Metadata(
        issuer=issuer,
        authorize_url=_endpoint(answer, "authorization_endpoint", hosts),
        token_url=_endpoint(answer, "token_endpoint", hosts),
        jwks_url=_endpoint(answer, "jwks_uri", hosts),
        userinfo_url=_endpoint(answer, userinfo, hosts)
        if answer.get(userinfo) is not None
        else None,
        names_issuer=answer.get("authorization_response_iss_parameter_supported") is True,
        auth=_auth(answer.get("token_endpoint_auth_methods_supported")),
    )


def _endpoint(answer: dict[str, Any], name: str, hosts: tuple[str, ...]) -> str:
    """An endpoint; what stands there instead is not ours to repeat."""
    try:
        return demand_url(answer.get(name), hosts)
    except ValueError as fault:
        raise ValueError(f"its {name} is no https URL at one of hosts") from fault


def _auth(methods: Any) -> Literal["post", "basic"]:
    """Basic is what is meant where nothing is said (3)."""
    return "post" if isinstance(methods, list) and "client_secret_post" in methods else "basic"


class Kept(Generic[T]):
    """An answer that is fetched when it is asked for, by one asker, and kept for some seconds.

    A failure is kept too, for a few: a place that is down is not asked by every visitor.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[T]],
        clock: Clock,
        lives: int,
        patience: float = PATIENCE,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lives = lives * SECOND
        self._patience = patience
        self._lock = asyncio.Lock()
        self._value: tuple[T, int] | None = None
        self._failed: tuple[str, int] | None = None

    async def get(self, *, younger: int | None = None) -> T:
        """The answer, at most `younger` seconds old. Raises ProviderUnavailable."""
        oldest = self._lives if younger is None else younger * SECOND
        async with self._lock:
            now = self._clock()
            if self._value and 0 <= now - self._value[1] < oldest:
                return self._value[0]
            if self._failed and 0 <= now - self._failed[1] < FAILURE_KEPT * SECOND:
                raise ProviderUnavailable(self._failed[0], retry_after=FAILURE_KEPT)
            return await self._ask(now)

    async def _ask(self, now: int) -> T:
        try:
            async with asyncio.timeout(self._patience):
                value = await self._fetch()
        except (IdentraError, TimeoutError) as fault:
            detail = fault.detail if isinstance(fault, IdentraError) else "no answer in time"
            self._failed = (detail, now)
            raise ProviderUnavailable(detail, retry_after=FAILURE_KEPT) from fault
        self._value, self._failed = (value, now), None
        return value


class Directory:
    """The metadata and the keys of one place."""

    def __init__(
        self, upstream: Upstream, clock: Clock, *, issuer: str, url: str, hosts: tuple[str, ...]
    ) -> None:
        self._upstream = upstream
        self._issuer = issuer
        self._url = url
        self._hosts = hosts
        self._metadata = Kept(self._discover, clock, METADATA_KEPT)
        self._keys = Kept(self._read_keys, clock, KEYS_KEPT)

    async def metadata(self) -> Metadata:
        """Where it does what. Raises ProviderUnavailable."""
        return await self._metadata.get()

    async def key(self, read: Unverified) -> JWK:
        """The key that may have signed; read again if it is unknown, but not for every token.

        Raises ProviderUnavailable, ProviderRefused.
        """
        found = find_key(await self._keys.get(), read)
        found = found or find_key(await self._keys.get(younger=KEYS_REST), read)
        if found is None:
            raise ProviderUnavailable("id_token: an unknown key", retry_after=KEYS_REST)
        return found

    async def _discover(self) -> Metadata:
        answer = await self._upstream.get_json(self._url)
        try:
            return read_metadata(answer, self._issuer, self._hosts)
        except ValueError as fault:
            raise ProviderUnavailable(f"discovery: {fault}") from fault

    async def _read_keys(self) -> Any:
        metadata = await self.metadata()
        return await self._upstream.get_json(metadata.jwks_url)
