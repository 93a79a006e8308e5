"""The ports of the doors: had before anything else is done, or not at all."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from identra.settings import SettingsError

if TYPE_CHECKING:
    from identra.settings import Loaded, SettingsTree

BACKLOG: Final = 1024
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


@dataclass(frozen=True, slots=True)
class Place:
    """Where a door is to be, and the key of the settings that says so."""

    key: str
    host: str
    port: int


def rest(tree: SettingsTree) -> Place:
    """Where REST is."""
    return Place("http_port", tree.http_host, tree.http_port)


def rpc(tree: SettingsTree) -> Place:
    """Where gRPC is."""
    return Place("grpc_port", tree.grpc_host, tree.grpc_port)


def operators(tree: SettingsTree) -> Place | None:
    """Where the operators' REST is, if it has a port of its own."""
    admin = tree.admin
    if not admin.enabled or admin.port is None:
        return None
    return Place("admin.port", admin.host, admin.port)


def operators_rpc(tree: SettingsTree) -> Place | None:
    """Where the operators' gRPC is, if it has a port of its own."""
    admin = tree.admin
    if not admin.enabled or admin.grpc_port is None:
        return None
    return Place("admin.grpc_port", admin.host, admin.grpc_port)


def bind(loaded: Loaded, place: Place) -> socket.socket:
    """The socket of a door, not listening yet. Raises SettingsError."""
    try:
        return _bound(place.host, place.port)
    except OSError as error:
        raise _taken(loaded, place, error) from None


def listen(loaded: Loaded, place: Place, bound: socket.socket) -> None:
    """Take connections from now on. Raises SettingsError."""
    try:
        bound.listen(BACKLOG)
    except OSError as error:
        raise _taken(loaded, place, error) from None


def reserve(loaded: Loaded, place: Place) -> socket.socket:
    """A socket that holds a port for our processes and never listens.

    Every worker listens there by itself, and the system shares connections out among them. Raises
    SettingsError where others listen already.
    """
    try:
        with _bound(place.host, place.port) as alone:
            host, port = alone.getsockname()[:2]
        return _bound(host, port, shared=True)
    except OSError as error:
        raise _taken(loaded, place, error) from None


def address_of(bound: socket.socket) -> str:
    """HOST:PORT, IPv6 in brackets."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def callable_at(bound: socket.socket) -> str:
    """HOST:PORT at which this machine reaches it."""
    host, port = bound.getsockname()[:2]
    shown = _ANYWHERE.get(host, host)
    return f"[{shown}]:{port}" if ":" in shown else f"{shown}:{port}"


def _bound(host: str, port: int, *, shared: bool = False) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, shared)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def _taken(loaded: Loaded, place: Place, error: OSError) -> SettingsError:
    file = f"{loaded.file}: " if loaded.file else ""
    says = error.strerror or error
    where = f"{place.host} port {place.port}"
    return SettingsError(f"{file}{place.key}: can't listen on {where}: {says}")
