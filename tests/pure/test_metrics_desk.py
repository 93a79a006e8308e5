"""Whoever asks for metrics, the parent's work is never held up for it."""

from __future__ import annotations

import select
import socket
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from identra.metrics.desk import FRESH, LONGEST_HEAD, LONGEST_STAY, MOST, Desk

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 10
ASKED = b"GET /metrics HTTP/1.1\r\nHost: here\r\n\r\n"


@dataclass
class Office:
    """A desk, the time by its clock, and how often it had its answer written."""

    body: bytes = b"numbers\n"
    now: float = 100.0
    written: int = 0
    desk: Desk = field(init=False)
    listening: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.desk = Desk(self.listening, self.write, lambda: self.now)

    def write(self) -> bytes:
        self.written += 1
        return self.body

    def come(self, said: bytes = b"") -> socket.socket:
        guest = socket.create_connection(self.listening.getsockname())
        guest.settimeout(5)
        guest.sendall(said)
        return guest

    def turn(self) -> None:
        """As the parent does: wait for something to do, and do it; never for long."""
        began = time.monotonic()
        reads, writes = self.desk.waits_for()
        select.select(reads, writes, [], 0.5)
        self.desk.turn()
        assert time.monotonic() - began < 1

    def answer(self, guest: socket.socket) -> bytes:
        """All that she is told until the desk hangs up."""
        said, until = b"", time.monotonic() + PATIENCE
        while time.monotonic() < until:
            self.turn()
            guest.setblocking(False)
            try:
                while piece := guest.recv(65536):
                    said += piece
            except BlockingIOError:
                continue
            except ConnectionResetError:
                return said
            return said
        raise AssertionError("never answered")


@contextmanager
def office(**said: bytes) -> Iterator[Office]:
    made = Office(**said)
    try:
        yield made
    finally:
        made.desk.close()


def test_metrics_are_given_to_who_asks_for_them() -> None:
    with office() as at, closing(at.come(ASKED)) as guest:
        head, _, body = at.answer(guest).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4;")
        assert body == b"numbers\n"


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", b"404"),
        (b"GET /metrics/ HTTP/1.1\r\n\r\n", b"404"),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", b"405"),
        (b"GET /metrics?x HTTP/1.0\r\n\r\n", b"200"),
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/2.0\r\n\r\n", b"400"),
        (b"\x16\x03\x01\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * LONGEST_HEAD + b"\r\n\r\n", b"431"),
        (b"x" * (LONGEST_HEAD + 1), b"431"),
    ],
)
def test_what_is_not_that_is_refused(said: bytes, status: bytes) -> None:
    with office() as at, closing(at.come(said)) as guest:
        assert at.answer(guest).split(b" ")[1] == status


def test_head_is_answered_without_a_body() -> None:
    with office() as at, closing(at.come(b"HEAD /metrics HTTP/1.1\r\n\r\n")) as guest:
        said = at.answer(guest)
        assert b"Content-Length: 8\r\n" in said
        assert said.endswith(b"\r\n\r\n")


def test_who_says_nothing_is_shown_out_in_time() -> None:
    with office() as at, closing(at.come(b"GET /met")) as guest:
        at.turn()
        at.now += LONGEST_STAY + 1
        assert at.answer(guest) == b""


def test_who_takes_nothing_is_shown_out_in_time() -> None:
    with office(body=b"x" * 50_000_000) as at, closing(at.come(ASKED)):
        for _ in range(3):
            at.turn()
        assert at.desk.waits_for()[1], "the answer fits no buffer"
        at.now += LONGEST_STAY + 1
        at.desk.turn()
        assert at.desk.waits_for()[1] == []


def test_a_long_answer_is_given_piece_by_piece() -> None:
    body = b"x" * 20_000_000
    with office(body=body) as at, closing(at.come(ASKED)) as guest:
        assert at.answer(guest).partition(b"\r\n\r\n")[2] == body


def test_a_crowd_of_the_silent_keeps_nobody_out() -> None:
    with office() as at:
        silent = [at.come(b"GET") for _ in range(5 * MOST)]
        with closing(at.come(ASKED)) as guest:
            assert at.answer(guest).endswith(b"numbers\n")
        reads, writes = at.desk.waits_for()
        assert len(reads) + len(writes) <= MOST + 1
        for one in silent:
            one.close()


def test_many_who_ask_cost_no_more_than_one() -> None:
    with office() as at:
        for _ in range(20):
            with closing(at.come(ASKED)) as guest:
                at.answer(guest)
        assert at.written == 1
        at.now += 2 * FRESH
        with closing(at.come(ASKED)) as guest:
            at.answer(guest)
        assert at.written == 2


def test_who_hangs_up_at_once_is_forgotten() -> None:
    with office() as at:
        for _ in range(3):
            at.come(ASKED).close()
        with closing(at.come(ASKED)) as guest:
            assert at.answer(guest).endswith(b"numbers\n")


def test_numbers_that_can_not_be_told_are_an_answer_too(caplog: pytest.LogCaptureFixture) -> None:
    with office() as at, closing(at.come(ASKED)) as guest:
        at.write = at.desk._write = lambda: b"" + 1  # type: ignore[operator]
        assert at.answer(guest).split(b" ")[1] == b"500"
