"""Telling systemd how the service fares: sd_notify(3), spoken by the parent alone."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import MutableMapping


class Supervisor(Protocol):
    """Who is told of the workers as a whole. None of it waits or raises."""

    def ready(self) -> None:
        """All of them are ready, for the first time."""
        ...

    def answered(self, now: float) -> None:
        """One of them has answered within its last second; `now` only goes up."""
        ...

    def stopping(self) -> None:
        """They are about to be stopped."""
        ...


class Unsupervised:
    """Keeps the `Supervisor` contract where nobody wants to be told."""

    def ready(self) -> None:
        """Nothing."""

    def answered(self, now: float) -> None:
        """Nothing."""

    def stopping(self) -> None:
        """Nothing."""


@dataclass(slots=True)
class Systemd:
    """The service manager at `address`, which wants a sign of life every `every` seconds, if any.

    None of it waits or raises: a manager that can't be told does not stop the service.
    """

    address: str
    every: float | None = None
    _told: float = float("-inf")

    def ready(self) -> None:
        """All workers are open for requests."""
        self._tell("READY=1\nSTATUS=Answering requests")

    def answered(self, now: float) -> None:
        """A worker's loop has turned: passed on, several times in the time that is allowed."""
        if self.every is not None and now - self._told >= self.every / 4:
            self._told = now
            self._tell("WATCHDOG=1")

    def stopping(self) -> None:
        """The workers are about to be asked to end."""
        self._tell("STOPPING=1\nSTATUS=Finishing requests")

    def _tell(self, what: str) -> None:
        # A name in the abstract space is written with an @ for its NUL.
        name = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.settimeout(0)
            line.sendto(what.encode(), name)


def supervisor(environ: MutableMapping[str, str]) -> Systemd | Unsupervised:
    """Whoever started this process and wants to be told, by the variables of sd_notify(3).

    The variables are taken away: no process started from here speaks in our place.
    """
    address = environ.pop("NOTIFY_SOCKET", "")
    every = environ.pop("WATCHDOG_USEC", "")
    whose = environ.pop("WATCHDOG_PID", "")
    if not address.startswith(("/", "@")):
        return Unsupervised()
    ours = every.isdecimal() and whose in {"", str(os.getpid())}
    return Systemd(address, int(every) / 1e6 if ours and int(every) else None)
