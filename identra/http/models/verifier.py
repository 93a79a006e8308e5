"""What verifiers ask and are told."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from identra.http.models.view import View


class Jwk(BaseModel):
    """A public key (RFC 7517)."""

    model_config = ConfigDict(extra="allow")

    kty: Literal["RSA", "EC", "OKP"]
    alg: Literal["RS256", "ES256", "EdDSA"]
    use: Literal["sig"]
    kid: str


class JwkSet(View):
    """The public keys that verify access tokens."""

    keys: list[Jwk]


class TokenAsked(View):
    """The token that is asked about (RFC 7662, 2.1)."""

    token: str
    token_type_hint: str | None = Field(default=None, description="Accepted, and not heeded.")


class TokenTold(View):
    """What a token is worth now (RFC 7662, 2.2). Without `active` nothing else is told."""

    active: bool
    token_type: Literal["Bearer"] | None = None
    iss: str | None = None
    sub: str | None = None
    aud: str | None = None
    exp: int | None = None
    iat: int | None = None
    nbf: int | None = None
    jti: str | None = None
    sid: str | None = None
    auth_time: int | None = None
    amr: list[str] | None = None
    idp: str | None = None


class Metadata(View):
    """What a verifier needs to know (RFC 8414)."""

    issuer: str
    jwks_uri: str
    response_types_supported: list[str]
    grant_types_supported: list[str]
    introspection_endpoint: str | None = None
    introspection_endpoint_auth_methods_supported: list[str] | None = None
    access_token_signing_alg_values_supported: list[str] = Field(
        description="A member of our own: the algorithms of the published keys."
    )
