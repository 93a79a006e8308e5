"""The libraries that services use take the tokens of a running service, and no others.

The code is that of the pages. The wrong tokens are made with the service's own key, so that each
is wrong in one way alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import npm
import pytest
import running
import snippets
from jwcrypto.jwk import JWK

from identra import tokens
from identra.app import opened_database, opening
from identra.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from snippets import Snippet

    from identra.keys import SigningKey

HERE = Path(__file__).parent
VERIFIERS = [it for it in snippets.every("js") + snippets.every("python") if "verify" in it.name]
CASES = [
    pytest.param(algorithm, verifier, id=f"{algorithm}-{verifier}")
    for algorithm in ("RS256", "ES256", "EdDSA")
    for verifier in VERIFIERS
    if f'"{algorithm}"' in verifier.text
]


@dataclass(frozen=True)
class Issued:
    """A running service, its key, and a token of it for the user."""

    url: str
    key: SigningKey
    token: str

    @property
    def claims(self) -> dict[str, Any]:
        return tokens.split(self.token)[1]

    def signed(self, **changed: Any) -> str:
        """A token of this service that says something else."""
        return tokens._sign(self.key, self.claims | changed)


@pytest.fixture(scope="module")
def issue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Issued]]:
    """One service for each algorithm that is asked for."""
    with ExitStack() as services:
        yield cache(lambda algorithm: _issue(algorithm, tmp_path_factory, services))


@pytest.mark.parametrize(("algorithm", "verifier"), CASES)
def test_it_takes_what_the_service_issued_and_nothing_else(
    algorithm: str,
    verifier: Snippet,
    issue: Callable[[str], Issued],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    issued = issue(algorithm)
    wrong = dict(_wrong(issued))
    given = [issued.token, issued.signed(), *wrong.values()]
    snippets.lay_out(tmp_path, verifier.page, verifier.language, issued.url)
    if verifier.language == "js":
        modules = request.getfixturevalue("node_modules")
        shutil.copy(HERE / "javascript/verify.mjs", tmp_path / "drive.mjs")
        said = npm.run(modules, tmp_path, "drive.mjs", given=json.dumps(given))
    else:
        shutil.copy(HERE / "python/verify.py", tmp_path / "drive.py")
        said = _run_python(tmp_path, verifier.name, json.dumps(given))
    right, again, *others = json.loads(said)
    assert right == again == issued.claims["sub"]
    assert dict(zip(wrong, others, strict=True)) == dict.fromkeys(wrong)


def test_the_pages_show_each_library_and_each_algorithm() -> None:
    shown = {(it.page, it.name) for it in VERIFIERS}
    page = "docs/integrate/verify-tokens.md"
    assert {(page, name) for name in ("verify.js", "verify_pyjwt.py", "verify_jose.py")} <= shown
    assert {("README.md", "verify.js"), ("README.md", "verify.py")} <= shown
    listed = {found for it in VERIFIERS for found in re.findall(r'"(RS256|ES256|EdDSA)"', it.text)}
    assert listed == {"RS256", "ES256", "EdDSA"}


def _issue(algorithm: str, folders: pytest.TempPathFactory, services: ExitStack) -> Issued:
    folder = folders.mktemp("issued")
    service = running.identra(folder, "--dev", extra=f'algorithm = "{algorithm}"\n')
    url = services.enter_context(service).url
    said = {"email": "ada@example.com", "password": "correct horse battery"}
    token = httpx.post(f"{url}/password/register", json=said).json()["token"]
    key = asyncio.run(_key_of(folder / "identra.toml"))
    return Issued(url, key, token["access_token"]["token"])


def _wrong(issued: Issued) -> Iterator[tuple[str, str]]:
    now = int(time.time())
    header, claims, signature = issued.token.split(".")
    other_claims = issued.signed(sub="somebody-else").split(".")[1]
    half = len(signature) // 2
    flipped = signature[:half] + ("A" if signature[half] != "A" else "B") + signature[half + 1 :]
    stranger = replace(issued.key, jwk=_another(issued.key.jwk))
    yield "other claims", f"{header}.{other_claims}.{signature}"
    yield "another signature", f"{header}.{claims}.{flipped}"
    yield "no signature", f"{_part(alg='none', kid=issued.key.kid, typ='at+jwt')}.{claims}."
    yield "signed with the public key", _by_public_key(issued)
    yield "a stranger's key under our kid", tokens._sign(stranger, issued.claims)
    yield "an unknown kid", tokens._sign(replace(stranger, kid="unknown"), issued.claims)
    yield "expired", issued.signed(exp=now - 60)
    yield "not valid yet", issued.signed(nbf=now + 3600)
    yield "another issuer", issued.signed(iss="https://id.example.com")
    yield "another type", issued.signed(typ="refresh")
    yield "no token", "nonsense"


def _by_public_key(issued: Issued) -> str:
    """HMAC with the bytes that everybody can read: the classic confusion of algorithms."""
    pem = issued.key.jwk.export_to_pem()
    secret = JWK(kty="oct", k=base64.urlsafe_b64encode(pem).decode().rstrip("="))
    return tokens._sign(replace(issued.key, algorithm="HS256", jwk=secret), issued.claims)


def _another(key: JWK) -> JWK:
    kinds = {"RSA": {"size": 2048}, "EC": {"crv": "P-256"}, "OKP": {"crv": "Ed25519"}}
    return JWK.generate(kty=key["kty"], **kinds[key["kty"]])


def _part(**said: str) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


async def _key_of(file: Path) -> SigningKey:
    loaded = load(file, {})
    async with opened_database(loaded) as db:
        ring = opening.ring(loaded.tree, db, opening.system_clock)
        await ring.load()
        return ring.signer()


def _run_python(folder: Path, name: str, given: str) -> str:
    command = [sys.executable, "drive.py", name.removesuffix(".py")]
    done = subprocess.run(
        command, cwd=folder, input=given, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
