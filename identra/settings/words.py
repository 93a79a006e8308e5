"""The small types that settings are written in: networks, origins, servers, names."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Any, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, SecretStr

from identra.secret import fingerprint

_WIDEST = {4: 8, 6: 7}
_PLUGIN = re.compile(r"[a-z][a-z0-9_]{1,31}", re.ASCII)
_SERVER = re.compile(r"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?", re.ASCII)
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.ASCII)
_USUAL_PORT = {"http": ":80", "https": ":443"}
_CLIENT = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_DIGEST = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_SENDER = re.compile(r"[!-?A-~]+@[!-?A-~]+", re.ASCII)

WEAK = (
    *("", "\n", "secret", "password", "changeme", "change-me", "example", "test", "identra"),
    *("your-secret", "your_secret", "client_secret", "client-secret", "introspection"),
    *("7Fjfp0ZBr1KtDRbnfVdmIw", "gX1fBat3bV"),
)
"""What stands for a secret in samples everywhere, those of RFC 6749 included."""


def is_loopback(host: str) -> bool:
    """Whether a host is this very machine, by its spelling alone: nothing is resolved."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _network(value: Any) -> Any:
    try:
        network = ipaddress.ip_network(value if not isinstance(value, int) else "")
    except (TypeError, ValueError):
        raise ValueError("a network reads like 10.0.0.0/8, 192.0.2.7 or fd00::/8") from None
    if network.prefixlen < _WIDEST[network.version]:
        raise ValueError("trusts half the world; name the networks of your own machines")
    return network


def _plugin_name(name: str) -> str:
    if _PLUGIN.fullmatch(name) is None:
        raise ValueError("a plugin's name is [a-z][a-z0-9_]{1,31}")
    return name


def _redis_server(server: str) -> str:
    found = _SERVER.fullmatch(server)
    if found is None or not 0 < int(found[1] or 1) < 65_536:  # noqa: PLR2004 - the last port
        raise ValueError("a server reads host:port; username, password, tls are keys of their own")
    return server


def _sender(address: str) -> str:
    if _SENDER.fullmatch(address) is None:
        raise ValueError("is one plain e-mail address")
    return address


def _plain(text: str) -> str:
    if not text or not text.isprintable() or text != text.strip():
        raise ValueError("is a text on one line, without space around it")
    return text


def _split_url(url: str, says: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        sound = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        sound = False
    if not sound or not url.isprintable() or " " in url or "@" in url:
        raise ValueError(says)
    return urlsplit(url)


def _origin(origin: str) -> str:
    says = "an origin reads https://app.example.com, as browsers send it"
    if origin == "*":
        return origin
    parts = _split_url(origin, says)
    usual = parts.netloc.endswith(_USUAL_PORT[parts.scheme])
    if _ORIGIN.fullmatch(origin) is None or usual:
        raise ValueError(says)
    return origin


def _public_url(url: str) -> str:
    says = "is an http or https URL without user, query or fragment"
    parts = _split_url(url, says)
    if parts.query or parts.fragment or url.endswith(("?", "#")):
        raise ValueError(says)
    return url.rstrip("/")


def _client_id(text: str) -> str:
    if _CLIENT.fullmatch(text) is None:
        raise ValueError("a client's id has up to 64 letters, digits, dots, _ and -")
    return text


def _digest(text: str) -> str:
    if _DIGEST.fullmatch(text) is None:
        raise ValueError(
            "is the SHA-256 of a secret in 64 hex digits, by identra config new-secret"
        )
    if text.lower() in {fingerprint(word) for word in WEAK}:
        raise ValueError("is the SHA-256 of a secret that everybody knows; make one of your own")
    return text.lower()


def _no_switch(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("is a number, not true or false")  # noqa: TRY004 - pydantic reads ValueError
    return value


def _none_if_empty(value: Any) -> Any:
    return None if value == "" else value


Given: TypeAlias = Annotated[str | None, BeforeValidator(_none_if_empty)]
"""A text that may be absent; an empty one is absent."""

GivenSecret: TypeAlias = Annotated[SecretStr | None, BeforeValidator(_none_if_empty)]
"""A secret that may be absent; an empty one is absent."""

Network: TypeAlias = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network,
    BeforeValidator(_network),
    PlainSerializer(str, return_type=str, when_used="json"),
]
"""A network of machines that are trusted with something; never wider than /8 (IPv6: /7)."""

Number: TypeAlias = Annotated[int, BeforeValidator(_no_switch)]
"""A whole number; to Python true is one too."""

Share: TypeAlias = Annotated[float, BeforeValidator(_no_switch), Field(ge=0, le=1)]
"""A part of a whole: 0 is nothing, 1 is all."""

PluginName: TypeAlias = Annotated[str, AfterValidator(_plugin_name)]
RedisServer: TypeAlias = Annotated[str, AfterValidator(_redis_server)]
"""host:port, or host alone for port 6379."""

ClientId: TypeAlias = Annotated[str, AfterValidator(_client_id)]
Digest: TypeAlias = Annotated[str, AfterValidator(_digest)]
"""The fingerprint of a secret that is kept elsewhere, in lower case."""

EmailSender: TypeAlias = Annotated[str, AfterValidator(_sender)]
PlainText: TypeAlias = Annotated[str, AfterValidator(_plain)]
Origin: TypeAlias = Annotated[str, AfterValidator(_origin)]
PublicUrl: TypeAlias = Annotated[str, AfterValidator(_public_url)]
"""An http(s) URL without a slash at its end."""
