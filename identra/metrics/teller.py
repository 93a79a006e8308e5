"""What the parent does about metrics beside keeping its workers."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from identra.metrics.desk import Desk
from identra.metrics.exposition import write
from identra.metrics.ledger import Ledger
from identra.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identra.metrics.meter import Pen
    from identra.settings import Loaded
    from identra.settings.sections import Metrics


class Teller:
    """Gives each worker a sheet, and tells whoever asks at the desk what is on all of them.

    Keeps the `Beside` contract of `identra.workers`. `url` is where the desk is.
    """

    def __init__(self, listening: socket.socket, url: str, wanted: int) -> None:
        self.url = url
        self._ledger = Ledger(wanted)
        self._desk = Desk(listening, partial(write, self._ledger.tell))

    def pen(self) -> Pen:
        """In a worker: what it writes its numbers with."""
        return self._ledger.pen()

    def waits_for(self) -> tuple[list[socket.socket], list[socket.socket]]:
        """The sockets to be read and to be written to."""
        return self._desk.waits_for()

    def turn(self) -> None:
        """Serve whoever is at the desk, without waiting for anybody."""
        self._desk.turn()

    def prepare(self) -> None:
        """Lay out what the next worker writes on."""
        self._ledger.prepare()

    def leave(self) -> None:
        """In a worker: let go of the parent's sockets."""
        self._desk.leave()

    def started(self, pid: int) -> None:
        """Heed a worker's sheet."""
        self._ledger.started(pid)

    def ended(self, pid: int, by: str) -> None:
        """Keep what a worker counted."""
        self._ledger.ended(pid, by)

    def close(self) -> None:
        """Tell nobody any more."""
        self._desk.close()


@contextmanager
def opened_teller(loaded: Loaded, metrics: Metrics, workers: int) -> Iterator[Teller]:
    """A teller that listens, for so many workers. Raises SettingsError for a port not to be had."""
    with _listening(loaded, metrics) as listening:
        host, port = listening.getsockname()[:2]
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        yield Teller(listening, f"http://{place}/metrics", workers)


def _listening(loaded: Loaded, metrics: Metrics) -> socket.socket:
    try:
        found = socket.getaddrinfo(metrics.host, metrics.port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen()
    except OSError as error:
        file = f"{loaded.file}: " if loaded.file else ""
        where = f"{metrics.host} port {metrics.port}"
        says = error.strerror or error
        raise SettingsError(f"{file}metrics.port: can't listen on {where}: {says}") from None
    return made
