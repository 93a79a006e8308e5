"""Why a database could not be opened, and where to look: one line for the operator, no secret."""

from __future__ import annotations

import os
import socket
import sqlite3
import ssl
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.errors import StoreUnavailable
    from identra.settings import Persistence

REFUSED: Final = frozenset({1044, 1045, 1698})
UNKNOWN_DATABASE: Final = frozenset({1049, "3D000"})
UNENCRYPTED: Final = frozenset({2026, 3159})
UNREACHED: Final = 2003
"""MySQL's numbers, and one SQLSTATE."""

_FILE: Final = {
    sqlite3.SQLITE_NOTADB: "is no SQLite database, or is damaged",
    sqlite3.SQLITE_CORRUPT: "is damaged; restore a backup",
}


def why(
    settings: Persistence,
    error: StoreUnavailable,
    called: Callable[[str], str] = "persistence.{}".format,
) -> str:
    """The place, the cause, and the settings to look at, each as `called` calls it."""
    cause = error.__cause__ or error
    if settings.driver == "sqlite":
        said = _file_said(cause, error.detail)
        return f"{settings.name}: {said}; look at {called('name')}"
    place = f"{settings.driver} at {settings.host}"
    place += f":{settings.port}" if settings.port else ""
    remedy, names = _remedy(cause)
    *others, last = dict.fromkeys(map(called, names))
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"{place}: {_said(cause, error.detail)}; {remedy} {listed}"


def _file_said(cause: BaseException, detail: str) -> str:
    if isinstance(cause, OSError):
        return f"{cause.strerror}"
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    return _FILE.get(code) or detail.removeprefix("sqlite: ")


def _said(cause: BaseException, detail: str) -> str:
    """What the driver or the system said, without Python's words around it."""
    if isinstance(cause, TimeoutError):
        return "no answer came in time"
    if isinstance(cause, socket.gaierror):
        return str(cause.strerror)
    if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError) and cause.errno:
        return os.strerror(cause.errno)
    if len(cause.args) > 1 and isinstance(cause.args[0], int):  # as MySQL's drivers raise
        return str(cause.args[1])
    return str(cause) or detail


def _remedy(cause: BaseException) -> tuple[str, tuple[str, ...]]:  # noqa: PLR0911 - one answer for each kind
    """What to do, and the settings that it ends with."""
    state, number = getattr(cause, "sqlstate", None), cause.args[0] if cause.args else None
    if {state, number} & UNKNOWN_DATABASE:
        return "make the database, or look at", ("name",)
    if str(state).startswith("28") or number in REFUSED:
        return "look at", ("user", "password")
    if isinstance(cause, ssl.SSLError) or number in UNENCRYPTED:
        return "look at", ("sslmode", "sslrootcert")
    if isinstance(cause, TimeoutError):
        return "look at", ("driver", "host", "port")
    if isinstance(cause, ConnectionError) and not cause.errno:  # of a server that speaks otherwise
        return "look at", ("driver", "port", "sslmode")
    if isinstance(cause, OSError) or number == UNREACHED:
        return "is it running there? Look at", ("host", "port")
    return "look at its log, and at", ("driver", "host", "port")
