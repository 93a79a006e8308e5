"""A stand-in for an OpenID Connect place, which tells and signs whatever a rule wants of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

import httpx
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from identra.providers.idtoken import TENANT
from identra.secret import token
from identra.testing.clock import FrozenClock
from identra.testing.place import ABSENT, CLIENT_ID, Person, Place
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from identra.providers.oidc import OIDCProvider

LASTS: Final = 300
VERIFIED: Final = "email_verified"

Told = dict[str, Any]


def new_key() -> JWK:
    """A key of the place's, under a name that no other has."""
    return JWK.generate(kty="EC", crv="P-256", kid=token(6), use="sig", alg="ES256")


def signed(key: JWK, claims: Told, **header: Any) -> str:
    """An id_token, signed as it must be; `header` lies over the usual one."""
    made = JWS(json.dumps(claims))
    said = {"alg": "ES256", "kid": key["kid"], "typ": "JWT", **header}
    made.add_signature(key, protected=json.dumps(said))
    return str(made.serialize(compact=True))


@dataclass
class OpenPlace(Place):
    """Its discovery, its keys, and an id_token for each code.

    `claims`, `userinfo` and `discovery` are what its author gave. A rule bends what is told:
    `laid` lies over every id_token, `in_userinfo` over userinfo, `says` over the discovery,
    `word` stands for `email_verified` wherever that is told; `sign` makes the whole token.
    """

    claims: Callable[[Person], Mapping[str, Any]] = lambda _person: {}
    userinfo: Callable[[Person], Mapping[str, Any]] = lambda _person: {}
    discovery: Mapping[str, Any] = field(default_factory=dict)
    clock: FrozenClock = field(default_factory=FrozenClock)
    key: JWK = field(default_factory=new_key)
    laid: Told = field(default_factory=dict)
    in_userinfo: Told = field(default_factory=dict)
    says: Told = field(default_factory=dict)
    word: Any = None
    sign: Callable[[JWK, Told], str] | None = None
    given: list[str] = field(default_factory=list)
    """Every id_token that was given out."""
    issuer: str = ""
    discovery_url: str = ""
    published: list[JWK] = field(default_factory=list)

    def settle(self, provider: OIDCProvider) -> None:
        """Be the place of this provider."""
        usual = f"{provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        self.issuer, self.discovery_url = provider.issuer, provider.discovery_url or usual
        self.token_url, self.published = self.document["token_endpoint"], [self.key]
        self.replies = lambda person: {self.document["userinfo_endpoint"]: self._of(person)}

    @property
    def document(self) -> Told:
        """The discovery document (OpenID Connect Discovery 1.0, 3)."""
        parts = urlsplit(self.issuer)
        own = f"{parts.scheme}://{parts.netloc}"
        usual = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{own}/authorize",
            "token_endpoint": f"{own}/token",
            "jwks_uri": f"{own}/keys",
            "userinfo_endpoint": f"{own}/userinfo",
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        }
        return {**usual, **self.discovery, **self.says}

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish no other."""
        self.key = new_key()
        self.published = [self.key]

    def issuer_for(self, claims: Mapping[str, Any]) -> str:
        """The issuer of a token with these claims: of a place of many tenants it is one's own."""
        return self.issuer.replace(TENANT, str(claims.get("tid")))

    def _of(self, person: Person) -> Told:
        told = {"sub": self.claims(person).get("sub"), **self.userinfo(person)}
        return self._bent(told, self.in_userinfo)

    def _tell(self, request: httpx.Request, url: str) -> httpx.Response:
        if url == self.discovery_url:
            return httpx.Response(200, json=self.document)
        if url == self.document["jwks_uri"]:
            keys = [one.export_public(as_dict=True) for one in self.published]
            return httpx.Response(200, json={"keys": keys})
        return super()._tell(request, url)

    def _give(self, person: Person, asked: Mapping[str, str]) -> Told:
        now, canned = self.clock() // SECOND, self.claims(person)
        usual = {
            "iss": self.issuer_for(canned),
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + LASTS,
            "nonce": asked.get("nonce"),
        }
        claims = self._bent({**usual, **canned}, self.laid)
        made = (self.sign or signed)(self.key, claims)
        self.given.append(made)
        self.secrets.update({made, asked.get("nonce") or made})
        return {**super()._give(person, asked), "token_type": "Bearer", "id_token": made}

    def _bent(self, told: Told, laid: Told) -> Told:
        word = {VERIFIED: self.word} if VERIFIED in told and self.word is not None else {}
        both = {**told, **word, **laid}
        return {name: value for name, value in both.items() if value is not ABSENT}


def nonce_of(url: str) -> str | None:
    """The nonce in an authorization URL."""
    return dict(parse_qsl(urlsplit(url).query)).get("nonce")
