"""The oidc kind: OpenID Connect Core 1.0 by the authorization code flow, with nonce and PKCE."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import urlsplit

from identra.errors import ProviderRefused
from identra.providers import idtoken
from identra.providers.discovery import Directory
from identra.providers.idtoken import TENANT
from identra.providers.redirecting import (
    Client,
    RedirectingProvider,
    demand_url,
    demand_words,
    departure,
    made_anew,
    one_clean_error,
    redeem,
)
from identra.trail import step
from identra.values import SECOND, Address, UserInfo

if TYPE_CHECKING:
    from identra.providers.base import Kind
    from identra.providers.discovery import Metadata
    from identra.providers.redirecting import Trip
    from identra.values import Clock, Upstream

_TENANT_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNTOLD: Final = frozenset({"nonce", "at_hash", "c_hash"})
_ADDRESS: Final = frozenset({"email", "email_verified"})


class OIDCProvider(RedirectingProvider):
    """A place that speaks OpenID Connect. Fill in `issuer` and `email_trust`; the rest is read.

    `hosts` names those of its endpoints that are not the issuer's own.
    """

    kind: ClassVar[Kind] = "oidc"
    issuer: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    discovery_url: str = ""
    asks_userinfo: bool = True
    tenants: tuple[str, ...] = ()

    def read(self, claims: dict[str, Any]) -> UserInfo:
        """The person in verified claims; whatever subject this says, the token's own counts."""
        email = claims.get("email")
        vouched = claims.get("email_verified") is True
        return UserInfo(
            subject=claims["sub"],
            username=claims.get("preferred_username") or claims.get("name") or "",
            avatar_url=claims.get("picture") or "",
            addresses=(Address(email, verified=vouched, primary=True),) if email else (),
        )

    def client_secret(self, now: int) -> str:
        """What the application proves itself with at `now` (Unix seconds)."""
        del now
        return self.settings.client_secret.get_secret_value()

    def missing(self) -> str | None:
        """As every such place, and `missing_issuer`."""
        return super().missing() or (None if self.issuer else "missing_issuer")

    @property
    def reaches(self) -> tuple[str, ...]:
        """Its hosts and that of the issuer, which serves the discovery."""
        own = urlsplit(self.issuer).netloc
        return (*self.hosts, own) if own else self.hosts

    def demand_sound(self) -> None:
        """ValueError unless the issuer is https, or http here, without query or fragment."""
        super().demand_sound()
        if self.issuer:
            demand_url(self.issuer)
            if "?" in self.issuer:
                raise ValueError(f"{self.issuer} is no issuer")
        if self.discovery_url:
            demand_url(self.discovery_url, self.reaches)
        demand_words("tenants", self.tenants)
        if "openid" not in self.scopes:
            raise ValueError("the scopes lack openid")


class OIDCPlace:
    """One such place: what it says of itself is asked when it is needed, and kept for a while."""

    def __init__(self, provider: OIDCProvider, upstream: Upstream, clock: Clock) -> None:
        self._provider = provider
        self._upstream = upstream
        self._clock = clock
        usual = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        self._published = Directory(
            upstream,
            clock,
            issuer=provider.issuer,
            url=provider.discovery_url or usual,
            hosts=provider.reaches,
        )

    async def open(self) -> OIDCWay:
        """The way there and back. Raises ProviderUnavailable."""
        async with one_clean_error(self._provider.name):
            step("provider.asked", provider=self._provider.name, phase="discovery")
            metadata = await self._published.metadata()
        return OIDCWay(self._provider, self._upstream, self._published, metadata, self._clock)


@dataclass(frozen=True, slots=True)
class OIDCWay:
    """There and back, by the endpoints that the place has published."""

    provider: OIDCProvider
    upstream: Upstream
    published: Directory
    metadata: Metadata
    clock: Clock

    def leave(self, trip: Trip) -> str:
        """Where the person is sent."""
        return departure(
            self.provider,
            self.metadata.authorize_url,
            state=trip.state,
            verifier=trip.verifier,
            redirect_url=trip.redirect_url,
            nonce=trip.nonce,
        )

    def sent(self, iss: str | None) -> bool:
        """Whether an answer that names this issuer (RFC 9207), or none, may be the place's own.

        Which tenant of a place with many it was, is told by the token alone.
        """
        if iss is None:
            return not self.metadata.names_issuer
        form = re.escape(self.provider.issuer).replace(re.escape(TENANT), _TENANT_ID.pattern)
        return re.fullmatch(form, iss) is not None

    async def arrive(self, trip: Trip, code: str) -> UserInfo:
        """Who came back. Raises ProviderRefused, ProviderUnavailable."""
        async with one_clean_error(self.provider.name):
            claims = await self._claims(trip, code)
            told = {name: value for name, value in claims.items() if name not in _UNTOLD}
            async with one_clean_error(self.provider.name, "read"):
                info = made_anew(self.provider.name, "read", self.provider.read(told))
            return replace(info, subject=self._subject(claims))

    async def _claims(self, trip: Trip, code: str) -> dict[str, Any]:
        now = self.clock() // SECOND
        async with one_clean_error(self.provider.name, "client_secret"):
            client = self._client(now)
        answer = await redeem(
            self.provider.name,
            self.upstream,
            self.metadata.token_url,
            client,
            code=code,
            verifier=trip.verifier,
            redirect_url=trip.redirect_url,
        )
        access_token = answer["access_token"]
        step("provider.asked", provider=self.provider.name, phase="id_token")
        token = idtoken.read(answer.get("id_token"))
        expected = idtoken.Expected(
            issuer=_issuer_of(self.provider, token.claims),
            client_id=self.provider.settings.client_id,
            now=now,
            nonce=trip.nonce,
            access_token=access_token,
        )
        key = await self.published.key(token)
        claims = idtoken.verify(token, key, expected)
        if self.metadata.userinfo_url is None or not self.provider.asks_userinfo:
            return claims
        step("provider.asked", provider=self.provider.name, phase="userinfo")
        told = await self.upstream.get_json(self.metadata.userinfo_url, bearer=access_token)
        return merge(claims, told)

    def _client(self, now: int) -> Client:
        auth = self.provider.client_auth or self.metadata.auth
        return Client(self.provider.settings.client_id, self.provider.client_secret(now), auth)

    def _subject(self, claims: dict[str, Any]) -> str:
        """The token's own; where every tenant is an issuer, it is one within its tenant."""
        own = idtoken.demand_subject(claims)
        return f"{claims['tid']}:{own}" if TENANT in self.provider.issuer else own


def merge(claims: dict[str, Any], told: Any) -> dict[str, Any]:
    """The id_token's claims and, beneath them, those of the same subject's userinfo.

    An address and the word for it come from one hand. Raises ProviderRefused for another subject
    (OpenID Connect Core, 5.3.2).
    """
    if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
        raise ProviderRefused("userinfo: speaks of another subject, or of none")
    both = {**told, **claims}
    silent = "email_verified" not in claims
    if "email" in claims and not (silent and told.get("email") == claims["email"]):
        hand = claims
    else:
        hand = told
    said = {name: hand[name] for name in _ADDRESS if name in hand}
    return {name: value for name, value in both.items() if name not in _ADDRESS} | said


def _issuer_of(provider: OIDCProvider, claims: dict[str, Any]) -> str:
    """The issuer that the token must name; nothing of it is verified here yet."""
    if TENANT not in provider.issuer:
        return provider.issuer
    tenant = claims.get("tid")
    if not isinstance(tenant, str) or not _TENANT_ID.fullmatch(tenant):
        raise idtoken.refusal("tid is no tenant")
    if provider.tenants and tenant not in provider.tenants:
        raise idtoken.refusal("of a tenant that is not allowed")
    return provider.issuer.replace(TENANT, tenant)
