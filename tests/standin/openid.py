"""A stand-in for any OpenID place that behaves as the standards say.

OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636 (PKCE), RFC 9207 (`iss` of the redirect). What
it tells can be bent: `claims` are laid over every id_token, `told` over userinfo, `says` over the
discovery, `sign` replaces the signing.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import httpx
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS
from standin.faults import Fault, Hangup, Instead, Slow

if TYPE_CHECKING:
    from collections.abc import Callable

Claims = dict[str, Any]
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
LASTS = 300
GONE = object()
"""Laid over a claim, it takes the claim away."""


@dataclass
class OpenId:
    """One issuer with one person at the browser, and the application that it knows.

    `asked` keeps what came in, by path; `faults` by path stand in for the right answer.
    """

    issuer: str = "https://id.example"
    client_id: str = "orders-web"
    client_secret: str = "9f2c4e6a8b0d1f3e5c7a9b2d4f6e8a0c1b3d5f7e"
    callback: str = "http://localhost:3000/callback"
    algorithm: str = "RS256"
    methods: list[str] | None = field(default_factory=lambda: ["client_secret_post"])
    names_issuer: bool = False
    person: Claims = field(default_factory=lambda: {"sub": "u-7"})
    in_userinfo: Claims = field(default_factory=dict)
    claims: Claims = field(default_factory=dict)
    told: Claims = field(default_factory=dict)
    says: Claims = field(default_factory=dict)
    sign: Callable[[OpenId, Claims], str] | None = None
    token_answer: Claims = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    now: Callable[[], float] = time.time
    asked: list[httpx.Request] = field(default_factory=list)
    keys: list[JWK] = field(default_factory=list)
    key_members: Claims = field(default_factory=dict)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)
    _tokens: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.keys = self.keys or [_first_key(self.issuer, self.algorithm)]

    @property
    def root(self) -> str:
        return self.issuer.rstrip("/")

    def section(self, **more: Any) -> dict[str, Any]:
        """The settings of a provider at this place."""
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "redirect_url": self.callback,
        } | more

    def rotate(self) -> None:
        """Sign with a new key from now on; the former ones stay published until `forget`."""
        self.keys.insert(0, new_key(self.algorithm))

    def forget(self) -> None:
        """Publish just the newest key."""
        del self.keys[1:]

    def approve(self, url: str) -> dict[str, str]:
        """What the client's redirect URL is called with when the person says yes to `url`."""
        response = self.answer(httpx.Request("GET", url))
        assert response.status_code == 302, response.text
        return _fields(urlsplit(response.headers["location"]).query)

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(request.url.path.endswith(path) for request in self.asked)

    def transport(self) -> httpx.MockTransport:
        return world(self)

    def fault(self, request: httpx.Request) -> Fault | None:
        path = request.url.path
        return next((f for end, f in self.faults.items() if path.endswith(end)), None)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        fault = self.fault(request)
        if isinstance(fault, Instead):
            return fault.response()
        routes = {
            "/.well-known/openid-configuration": self._discovery,
            "/authorize": self._authorize,
            "/token": self._token,
            "/keys": self._keys,
            "/userinfo": self._userinfo,
        }
        path = request.url.path
        found = next((act for end, act in routes.items() if path.endswith(end)), None)
        return found(request) if found else httpx.Response(404)

    def _discovery(self, _: httpx.Request) -> httpx.Response:
        told: Claims = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.root}/authorize",
            "token_endpoint": f"{self.root}/token",
            "userinfo_endpoint": f"{self.root}/userinfo",
            "jwks_uri": f"{self.root}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.algorithm],
            "authorization_response_iss_parameter_supported": self.names_issuer,
        }
        if self.methods is not None:
            told["token_endpoint_auth_methods_supported"] = self.methods
        return httpx.Response(200, json=_laid(told, self.says))

    def _authorize(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        assert query["response_type"] == "code"
        assert "openid" in query["scope"].split()
        assert query["client_id"] == self.client_id
        assert query["redirect_uri"] == self.callback
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_hex(10)
        self._codes[code] = query
        back = {"code": code, "state": query["state"]}
        back |= {"iss": self.issuer} if self.names_issuer else {}
        return httpx.Response(302, headers={"Location": f"{self.callback}?{urlencode(back)}"})

    def _token(self, request: httpx.Request) -> httpx.Response:
        form = _fields(request.content.decode())
        if not self._is_client(request, form):
            return httpx.Response(401, json={"error": "invalid_client"})
        asked = self._codes.pop(form.get("code", ""), None)
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if (
            not asked
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != asked["redirect_uri"]
            or _base64url(proof) != asked["code_challenge"]
        ):
            return httpx.Response(400, json={"error": "invalid_grant"})
        token = f"at-{secrets.token_hex(16)}"
        self._tokens.add(token)
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": LASTS}
        told = answer | {"id_token": self._id_token(asked["nonce"], token)}
        return httpx.Response(200, json=_laid(told, self.token_answer))

    def _is_client(self, request: httpx.Request, form: dict[str, str]) -> bool:
        scheme, _, told = request.headers.get("authorization", "").partition(" ")
        given = [form.get("client_id", ""), form.get("client_secret", "")]
        if scheme == "Basic":
            given = [unquote_plus(one) for one in base64.b64decode(told).decode().split(":")]
        ways = {"Basic": "client_secret_basic", "": "client_secret_post"}
        allowed = self.methods is None or ways[scheme] in self.methods
        return allowed and given == [self.client_id, self.client_secret]

    def _id_token(self, nonce: str, access_token: str) -> str:
        now = int(self.now())
        size = 512 if self.algorithm == "EdDSA" else int(self.algorithm[2:])
        hashed = hashlib.new(f"sha{size}", access_token.encode()).digest()
        claims = {
            **self.person,
            "iss": self.issuer,
            "aud": self.client_id,
            "exp": now + LASTS,
            "iat": now,
            "nonce": nonce,
            "at_hash": _base64url(hashed[: len(hashed) // 2]),
        }
        claims = _laid(claims, self.claims)
        return self.sign(self, claims) if self.sign else signed(self.keys[0], claims)

    def _keys(self, _: httpx.Request) -> httpx.Response:
        listed = [key.export_public(as_dict=True) | self.key_members for key in self.keys]
        return httpx.Response(200, json={"keys": listed})

    def _userinfo(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self._tokens:
            return httpx.Response(401, json={"error": "invalid_token"})
        told = {"sub": self.person["sub"], **self.in_userinfo}
        return httpx.Response(200, json=_laid(told, self.told))


def world(*places: OpenId) -> httpx.MockTransport:
    """Everything there is; each place answers under its issuer's host. Slowness is real."""
    hosts = {urlsplit(place.issuer).netloc: place for place in places}

    async def handle(request: httpx.Request) -> httpx.Response:
        place = hosts[request.url.netloc.decode()]
        fault = place.fault(request)
        if isinstance(fault, Hangup):
            raise httpx.ReadError("the far side hung up", request=request)
        if isinstance(fault, Slow):
            await asyncio.sleep(fault.seconds)
        return place.answer(request)

    return httpx.MockTransport(handle)


def new_key(algorithm: str = "RS256") -> JWK:
    told = {"kid": secrets.token_hex(4), "use": "sig", "alg": algorithm}
    if algorithm in CURVES:
        return JWK.generate(kty="EC", crv=CURVES[algorithm], **told)
    if algorithm == "EdDSA":
        return JWK.generate(kty="OKP", crv="Ed25519", **told)
    return JWK.generate(kty="RSA", size=2048, **told)


@cache
def _first_key(issuer: str, algorithm: str) -> JWK:
    """A place begins with the same key in every test: making one takes longer than the rest."""
    del issuer
    return new_key(algorithm)


def signed(key: JWK, claims: Claims, **header: Any) -> str:
    """A compact JWS of these claims; `header` over the key's own."""
    said = {"alg": key["alg"], "kid": key["kid"], "typ": "JWT"} | header
    made = JWS(json.dumps(claims))
    made.allowed_algs = [said["alg"]]
    made.add_signature(key, protected=json.dumps(_laid(said, {})))
    return str(made.serialize(compact=True))


def unsigned(header: Claims, claims: Claims, signature: bytes = b"") -> str:
    """What looks like a JWS, put together by hand."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(_base64url(part) for part in parts)


def _laid(below: Claims, above: Claims) -> Claims:
    return {name: value for name, value in (below | above).items() if value is not GONE}


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _fields(query: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(query).items()}
