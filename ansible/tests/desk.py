"""Somebody who calls from the host itself, and what she was given."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt

if TYPE_CHECKING:
    from hosts import Host

PASSWORD = "correct horse battery staple"
ASK = """
import json, sys, urllib.error, urllib.request as u
said = {"Content-Type": "application/json"}
asked = u.Request(sys.argv[1], sys.stdin.buffer.read() or None, said)
try:
    answer = u.urlopen(asked)
except urllib.error.HTTPError as fault:
    answer = fault
print(answer.read().decode())
"""


@dataclass(frozen=True)
class Desk:
    """Asks the service on a host over its loopback address."""

    host: Host

    def ask(self, route: str, body: dict[str, Any] | None = None, port: int = 8080) -> Any:
        """What is answered, whatever the status."""
        said = f"printf %s '{json.dumps(body)}' | " if body else "</dev/null "
        url = f"http://127.0.0.1:{port}{route}"
        return json.loads(self.host.run(f"{said}python3 -c '{ASK}' '{url}'").stdout)

    def welcome(self, email: str) -> None:
        """Make a user."""
        made = f"identra users create {email} --proved --password-stdin"
        self.host.run(f"printf '{PASSWORD}\\n' | {made}")

    def sign_in(self, email: str) -> dict[str, Any]:
        """A token pair."""
        said = self.ask("/password/login", {"email": email, "password": PASSWORD})
        pair: dict[str, Any] = said["token"]
        return pair

    def refresh(self, pair: dict[str, Any]) -> Any:
        """What a refresh answers."""
        return self.ask("/token/refresh", {"refresh_token": pair["refresh_token"]["token"]})

    def kids(self) -> set[str]:
        """The keys that are published."""
        return {key["kid"] for key in self.ask("/.well-known/jwks.json")["keys"]}

    def verify(self, pair: dict[str, Any]) -> dict[str, Any]:
        """The claims, as a verifier of now reads them; raises where it would refuse."""
        token = pair["access_token"]["token"]
        held = jwt.PyJWKSet.from_dict(self.ask("/.well-known/jwks.json"))
        claims: dict[str, Any] = jwt.decode(
            token, held[jwt.get_unverified_header(token)["kid"]], issuer="identra"
        )
        return claims
