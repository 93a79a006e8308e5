import httpx
import pytest
from introspect import Identra
from visitor import SERVICE

said = {"email": "introspect.py@example.com", "password": "correct horse battery"}
pair = httpx.post(f"{SERVICE}/password/register", json=said).json()["token"]
token = pair["access_token"]["token"]

identra = Identra("orders", "the secret of a service on a page, with 256 bits")
claims = identra.claims(token)
assert claims
assert claims["idp"] == "password"
assert identra.claims(pair["refresh_token"]["token"]) is None

httpx.post(f"{SERVICE}/logout", headers={"Authorization": f"Bearer {token}"}).raise_for_status()
assert identra.claims(token) is None

with pytest.raises(httpx.HTTPStatusError, match="401"):
    Identra("orders", "another").claims(token)
