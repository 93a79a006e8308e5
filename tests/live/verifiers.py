"""Services that verify tokens by libraries of their own, each keeping the key set as it may."""

from __future__ import annotations

import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import npm
from jose import jwt as jose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Verify = Callable[[str], str | None]

ALGORITHMS = ["RS256", "ES256", "EdDSA"]
NODE = """
import { createInterface } from "node:readline";
import { createRemoteJWKSet, jwtVerify } from "jose";

const [url, age] = process.argv.slice(2);
const keys = createRemoteJWKSet(new URL(url), { cacheMaxAge: Number(age), cooldownDuration: 0 });
for await (const token of createInterface({ input: process.stdin })) {
  const answer = await jwtVerify(token, keys, { issuer: "identra" }).then(() => "", String);
  process.stdout.write(`${answer.replaceAll("\\n", " ")}\\n`);
}
"""


def pyjwt(jwks: str, age: int) -> Verify:
    """PyJWT with its own client; None, or why the token was refused."""
    client = jwt.PyJWKClient(jwks, lifespan=age)

    def verify(token: str) -> str | None:
        try:
            key = client.get_signing_key_from_jwt(token)
            jwt.decode(token, key, algorithms=ALGORITHMS, issuer="identra")
        except jwt.PyJWTError as refused:
            return f"{type(refused).__name__}: {refused}"
        return None

    return verify


def python_jose(jwks: str, age: int) -> Verify:
    """python-jose, with the key set read when it is old, and at no other time."""
    kept: dict[str, Any] = {"read_at": 0.0}

    def verify(token: str) -> str | None:
        if time.monotonic() - kept["read_at"] >= age:
            kept["read_at"] = time.monotonic()
            kept["keys"] = {key["kid"]: key for key in httpx.get(jwks).json()["keys"]}
        kid = jose.get_unverified_header(token)["kid"]
        if kid not in kept["keys"]:
            return f"unknown key {kid}"
        try:
            jose.decode(token, kept["keys"][kid], algorithms=ALGORITHMS, issuer="identra")
        except jose.JWTError as refused:
            return f"{type(refused).__name__}: {refused}"
        return None

    return verify


@contextmanager
def node_jose(folder: Path, jwks: str, age: int) -> Iterator[Verify]:
    """Node's jose with its own client, as a process of its own."""
    (folder / "node_modules").symlink_to(npm.modules())
    (folder / "verify.mjs").write_text(NODE)
    command = ["node", "verify.mjs", jwks, str(age * 1000)]
    process = subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdin
    assert process.stdout
    asked, answered = process.stdin, process.stdout

    def verify(token: str) -> str | None:
        asked.write(f"{token}\n")
        asked.flush()
        return answered.readline().rstrip("\n") or None

    try:
        yield verify
    finally:
        asked.close()
        process.wait(30)
        answered.close()
