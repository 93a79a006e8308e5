"""A desk in the parent where Prometheus is answered, a little at a time.

The parent may hold no thread and no loop, and whatever is asked here must not keep it from its
workers: no call waits, and every connection is bounded in bytes and in time.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

MOST: Final = 8
"""Connections at a time; a further one takes the place of the oldest."""
LONGEST_HEAD: Final = 8 * 1024
LONGEST_STAY: Final = 5.0
"""Seconds that a connection has in all."""
FRESH: Final = 0.1
"""Seconds for which an answer is given again: many who ask cost no more than one."""

TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_PIECE: Final = 4096

log = structlog.get_logger(__name__)


class Desk:
    """Answers `GET /metrics` on a listening socket with what `write` gives, and closes."""

    def __init__(
        self,
        listening: socket.socket,
        write: Callable[[], bytes],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        listening.setblocking(False)  # noqa: FBT003 - its only argument
        self._listening = listening
        self._write = write
        self._clock = clock
        self._guests: list[_Guest] = []
        self._told, self._told_at = b"", -FRESH

    def waits_for(self) -> tuple[list[socket.socket], list[socket.socket]]:
        """The sockets that have something to read, and to be written to, for the next turn."""
        reads = [self._listening, *(g.socket for g in self._guests if not g.answer)]
        return reads, [g.socket for g in self._guests if g.answer]

    def turn(self) -> None:
        """Do what can be done at once."""
        now = self._clock()
        with suppress(OSError):
            for _ in range(MOST):
                arrived, _ = self._listening.accept()
                arrived.setblocking(False)  # noqa: FBT003 - its only argument
                self._guests.append(_Guest(arrived, now))
        for guest in self._guests[:-MOST]:
            guest.leave()
        for guest in self._guests[-MOST:]:
            self._serve(guest, now)
        self._guests = [guest for guest in self._guests if guest.stays]

    def leave(self) -> None:
        """Let go of every socket without a word to those at their other ends: a child's part."""
        for one in (self._listening, *(guest.socket for guest in self._guests)):
            one.close()
        self._guests = []

    def close(self) -> None:
        """Answer nobody any more."""
        for guest in self._guests:
            guest.leave()
        self._guests = []
        self._listening.close()

    def _serve(self, guest: _Guest, now: float) -> None:
        try:
            if now - guest.since > LONGEST_STAY:
                guest.leave()
            elif guest.answer or guest.has_asked():
                guest.answer = guest.answer or self._answer(guest.head)
                guest.take()
        except BlockingIOError:
            return
        except OSError:
            guest.leave()

    def _answer(self, head: bytes) -> bytes:
        words = head.partition(b"\r\n")[0].split(b" ")
        if len(head) > LONGEST_HEAD:
            return _response("431 Request Header Fields Too Large")
        if len(words) != 3 or not words[2].startswith(b"HTTP/1."):  # noqa: PLR2004 - RFC 9112, 3
            return _response("400 Bad Request")
        method, target, _ = words
        if target.partition(b"?")[0] != b"/metrics":
            return _response("404 Not Found")
        if method not in {b"GET", b"HEAD"}:
            return _response("405 Method Not Allowed", "Allow: GET, HEAD\r\n")
        try:
            return _response("200 OK", body=self._tell(), bare=method == b"HEAD")
        except Exception:
            # Whatever is wrong with the numbers, the workers are to be kept.
            log.exception("metrics not told")
            return _response("500 Internal Server Error")

    def _tell(self) -> bytes:
        now = self._clock()
        if now - self._told_at >= FRESH:
            self._told, self._told_at = self._write(), now
        return self._told


class _Guest:
    """Somebody who came to ask: what she said so far, and what is left of the answer."""

    def __init__(self, arrived: socket.socket, now: float) -> None:
        self.socket = arrived
        self.since = now
        self.head = b""
        self.answer = b""
        self.stays = True

    def has_asked(self) -> bool:
        """Read what is there; whether the head is whole, or too long. OSError if she left."""
        while b"\r\n\r\n" not in self.head and len(self.head) <= LONGEST_HEAD:
            piece = self.socket.recv(_PIECE)
            if not piece:
                raise ConnectionResetError
            self.head += piece
        return True

    def take(self) -> None:
        """Send what goes; leave when it is all."""
        while self.answer:
            self.answer = self.answer[self.socket.send(self.answer) :]
        self.leave()

    def leave(self) -> None:
        """Hang up. Said aloud, since a worker may hold the socket too."""
        self.stays = False
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def _response(status: str, more: str = "", body: bytes = b"", *, bare: bool = False) -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {TYPE}\r\nContent-Length: {len(body)}\r\n"
        f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{more}"
        "Connection: close\r\n\r\n"
    )
    return head.encode() + (b"" if bare else body)
