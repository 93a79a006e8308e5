"""Minting what a place wants instead of a client secret."""

from __future__ import annotations

import json
from typing import Any

from jwcrypto.common import JWException
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS


def sign_es256(private_key: str, kid: str, claims: dict[str, Any]) -> str:
    """A JWT of these claims, signed with a P-256 key in PEM. Raises ValueError for another key."""
    try:
        signed = JWS(json.dumps(claims))
        header = json.dumps({"alg": "ES256", "kid": kid, "typ": "JWT"})
        signed.add_signature(JWK.from_pem(private_key.encode()), protected=header)
        return str(signed.serialize(compact=True))
    except (JWException, ValueError) as fault:
        raise ValueError("no P-256 private key in PEM") from fault
