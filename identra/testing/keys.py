"""Keys that a place would give out, made for a test and kept nowhere."""

from __future__ import annotations

from jwcrypto.jwk import JWK


def private_key() -> str:
    """A new P-256 private key in PEM, for a place that wants its client's secret minted."""
    pem: bytes = JWK.generate(kty="EC", crv="P-256").export_to_pem(private_key=True, password=None)
    return pem.decode()
