"""Somebody who calls from outside, through TLS, over REST and gRPC."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from http.client import HTTPSConnection
from typing import Any

import grpc
import jwt

from identra.grpc.identra.v1 import identra_pb2 as v1

NAME = "id.example.com"
PASSWORD = "correct horse battery staple"
SERVICE = "/identra.v1.IdentraService"


@dataclass(frozen=True)
class Caller:
    """Knows the proxy's address and whom to believe that it is the right one."""

    address: str
    authority: str

    def ask(
        self, method: str, route: str, body: Any = None, token: str = "", **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        """Status, body and headers of one answer, on a connection of its own."""
        trusted = ssl.create_default_context(cadata=self.authority)
        connection = _To(self.address, trusted)
        said = {"Content-Type": "application/json", "Host": NAME} | headers
        said |= {"Authorization": f"Bearer {token}"} if token else {}
        try:
            connection.request(method, route, json.dumps(body) if body else None, said)
            answer = connection.getresponse()
            told = answer.read()
            found = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, json.loads(told) if told[:1] == b"{" else told, found
        finally:
            connection.close()

    def sign_in(self, email: str) -> str:
        """An access token by password, over REST."""
        body = {"email": email, "password": PASSWORD}
        status, said, _ = self.ask("POST", "/password/login", body)
        assert status == 200, said
        return said["token"]["access_token"]["token"]

    def sign_in_by_grpc(self, email: str) -> str:
        """The same over gRPC."""
        with self.channel() as channel:
            call = channel.unary_unary(
                f"{SERVICE}/LoginByPassword",
                v1.LoginByPasswordRequest.SerializeToString,
                v1.LoginByPasswordResponse.FromString,
            )
            answer = call(v1.LoginByPasswordRequest(email=email, password=PASSWORD), timeout=10)
        return answer.token.access_token.token

    def channel(self) -> grpc.Channel:
        trusted = grpc.ssl_channel_credentials(self.authority.encode())
        named = [("grpc.ssl_target_name_override", NAME), ("grpc.default_authority", NAME)]
        return grpc.secure_channel(f"{self.address}:443", trusted, named)

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token, by the published keys."""
        _, keys, _ = self.ask("GET", "/.well-known/jwks.json")
        kid = jwt.get_unverified_header(token)["kid"]
        key = next(jwt.PyJWK(one) for one in keys["keys"] if one["kid"] == kid)
        return jwt.decode(token, key, issuer="identra")


class _To(HTTPSConnection):
    """To an address, for a name."""

    def __init__(self, address: str, trusted: ssl.SSLContext) -> None:
        super().__init__(address, 443, timeout=30, context=trusted)
        self._trusted = trusted

    def connect(self) -> None:
        import socket

        plain = socket.create_connection((self.host, self.port), self.timeout)
        self.sock = self._trusted.wrap_socket(plain, server_hostname=NAME)
