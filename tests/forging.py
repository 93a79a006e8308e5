"""Writing tokens as an attacker would, down to the byte, and as the house itself would."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

if TYPE_CHECKING:
    from jwcrypto.jwk import JWK

Json = dict[str, Any]
SHA = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


def encode(part: bytes) -> str:
    """Base64url as a JWS has it."""
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def opened(token: str) -> tuple[Json, Json]:
    """Header and claims of a token, believed."""
    header, claims, _ = token.split(".")
    return json.loads(decode(header)), json.loads(decode(claims))


def write(key: JWK, header: Json | bytes, claims: Any, *, algorithm: str | None = None) -> str:
    """A compact JWS over just these bytes, rightly signed with this key.

    `algorithm` is the one that signs; without it the header's own, which may lie.
    """
    said = header if isinstance(header, bytes) else json.dumps(header).encode()
    told = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signed = f"{encode(said)}.{encode(told)}"
    by = algorithm or json.loads(said)["alg"]
    return f"{signed}.{encode(sign(key, by, signed.encode()))}"


def sign(key: JWK, algorithm: str, data: bytes) -> bytes:
    """A signature as RFC 7518 and RFC 8037 spell it."""
    private = key.get_op_key("sign")
    if isinstance(private, rsa.RSAPrivateKey):
        sha = SHA[algorithm[2:]]
        pss = padding.PSS(padding.MGF1(sha), sha.digest_size)
        return private.sign(data, pss if algorithm.startswith("PS") else padding.PKCS1v15(), sha)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)
    assert isinstance(private, ed25519.Ed25519PrivateKey)
    return private.sign(data)


def with_hmac(secret: bytes, header: Json, claims: Json) -> str:
    """An HS256 token whose secret is whatever bytes the attacker has."""
    signed = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(claims).encode())}"
    tag = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{encode(tag)}"


def bits_beyond(part: str) -> str | None:
    """The same bytes in another spelling: the unused bits of the last character set."""
    unused = {2: 4, 3: 2}.get(len(part) % 4)
    if unused is None:
        return None
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return part[:-1] + alphabet[alphabet.index(part[-1]) | 1]
