"""The ports of the doors: had before anything else is done, or not at all."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from identra.settings import SettingsError

if TYPE_CHECKING:
    from identra.settings import Loaded

BACKLOG: Final = 1024
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


def bind(loaded: Loaded) -> socket.socket:
    """The socket of `http_host` and `http_port`, not listening yet. Raises SettingsError."""
    try:
        return _bound(loaded.tree.http_host, loaded.tree.http_port)
    except OSError as error:
        raise _taken(loaded, "http", error) from None


def listen(loaded: Loaded, bound: socket.socket) -> None:
    """Take connections from now on. Raises SettingsError."""
    try:
        bound.listen(BACKLOG)
    except OSError as error:
        raise _taken(loaded, "http", error) from None


def reserve(loaded: Loaded) -> socket.socket:
    """A socket that holds `grpc_host` and `grpc_port` for our processes and never listens.

    Every worker listens there by itself, and the system shares connections out among them. Raises
    SettingsError where others listen already.
    """
    tree = loaded.tree
    try:
        with _bound(tree.grpc_host, tree.grpc_port) as alone:
            host, port = alone.getsockname()[:2]
        return _bound(host, port, shared=True)
    except OSError as error:
        raise _taken(loaded, "grpc", error) from None


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


def _taken(loaded: Loaded, door: str, error: OSError) -> SettingsError:
    file = f"{loaded.file}: " if loaded.file else ""
    host, port = (getattr(loaded.tree, f"{door}_{which}") for which in ("host", "port"))
    says = error.strerror or error
    return SettingsError(f"{file}{door}_port: can't listen on {host} port {port}: {says}")
