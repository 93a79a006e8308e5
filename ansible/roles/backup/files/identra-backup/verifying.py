"""Whether a restored service lets people in, with a token that a key of the backup signed."""

from __future__ import annotations

import json
import secrets
import subprocess
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

import archive

COMMAND = "/usr/local/sbin/identra"


def verify(url: str, folder: str) -> None:
    """Sign a user in who is made for it and shut out again. Raises Failed."""
    from jwcrypto.common import JWException
    from jwcrypto.jwk import JWKSet
    from jwcrypto.jwt import JWT

    kids = json.loads((Path(folder) / "backup.json").read_bytes())["kids"]
    email = f"restore-check-{secrets.token_hex(8)}@example.com"
    password = secrets.token_urlsafe(32)
    user = _identra("users", "create", email, "--proved", "--password-stdin", said=f"{password}\n")
    try:
        pair = _ask(f"{url}/password/login", {"email": email, "password": password})["token"]
        keys = JWKSet.from_json(json.dumps(_ask(f"{url}/.well-known/jwks.json")))
        token = JWT(jwt=pair["access_token"]["token"], key=keys)
    except JWException as fault:
        raise archive.Failed("the token that was given does not verify by the key set") from fault
    finally:
        _identra("users", "disable", email, "--reason", "made to verify a restore")
    kid = json.loads(token.header)["kid"]
    if kid not in kids:
        raise archive.Failed(f"the token was signed by {kid}, which is no key of the backup")
    print(f"signed in {user}; key {kid} of the backup signs")


def _identra(*words: str, said: str = "") -> str:
    done = subprocess.run(
        [COMMAND, *words], input=said, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise archive.Failed(done.stderr.strip())
    return done.stdout.strip()


def _ask(url: str, body: dict[str, Any] | None = None) -> Any:
    data = json.dumps(body).encode() if body else None
    asked = Request(url, data, {"Content-Type": "application/json"})
    try:
        with build_opener(ProxyHandler({})).open(asked, timeout=15) as answer:
            return json.load(answer)
    except HTTPError as fault:
        told = fault.read(2000).decode(errors="replace")
        raise archive.Failed(f"{url} answers {fault.code}: {told}") from fault
    except URLError as fault:
        raise archive.Failed(f"{url} does not answer: {fault.reason}") from fault
