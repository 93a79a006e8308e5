"""Constant load from outside, over REST and gRPC, and what became of every single request."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from callers import SERVICE, Caller

from identra.grpc.identra.v1 import identra_pb2 as v1

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import grpc

_Found = TypeVar("_Found")
PATIENCE = 60.0
EVERY = 0.1
"""Seconds between the requests of one caller."""


@dataclass
class Counted:
    """What came of them; `failed` tells when, what and how."""

    answered: int = 0
    slowest: float = 0.0
    failed: list[str] = field(default_factory=list)

    def count(self, what: str, ask: Callable[[], str]) -> None:
        begun = time.monotonic()
        try:
            wrong = ask()
        except Exception as error:  # noqa: BLE001 - whatever a caller meets is a failure
            wrong = repr(error)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        if wrong:
            self.failed.append(f"{time.strftime('%H:%M:%S')} {what}: {wrong}"[:300])
        else:
            self.answered += 1


@contextmanager
def constant(caller: Caller, email: str) -> Iterator[Counted]:
    """Reading, signing in and asking by gRPC meanwhile, each by a caller of its own.

    Every token that was signed meanwhile is verified by the keys that are published.
    """
    counted, over, token = Counted(), threading.Event(), caller.sign_in(email)
    asks = (
        ("read", lambda: _rest(caller, "GET", "/me", None, token)),
        ("write", lambda: _rest(caller, "POST", "/me/login-info", {"access_token": token}, "")),
        ("sign in", lambda: _in_and_out(caller, email)),
    )
    threads = [threading.Thread(target=_repeat, args=(over, counted, *ask)) for ask in asks]
    threads.append(threading.Thread(target=_call, args=(over, counted, caller)))
    for thread in threads:
        thread.start()
    try:
        time.sleep(1)
        yield counted
        time.sleep(1)
    finally:
        over.set()
        for thread in threads:
            thread.join()


def patiently(ask: Callable[[], _Found]) -> _Found:
    """What it answers, once it does."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except (AssertionError, OSError, RuntimeError):
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


def _repeat(over: threading.Event, counted: Counted, what: str, ask: Callable[[], str]) -> None:
    while not over.wait(EVERY):
        counted.count(what, ask)


def _in_and_out(caller: Caller, email: str) -> str:
    """And out again: of very many sessions the oldest end, and with it the readers' token."""
    token = caller.sign_in(email)
    return _rest(caller, "POST", "/logout", {}, token) if caller.verify(token)["sub"] else "nobody"


def _rest(caller: Caller, method: str, route: str, body: object, token: str) -> str:
    status, said, _ = caller.ask(method, route, body, token)
    return "" if status == 200 else f"{status} {said!r}"


def _call(over: threading.Event, counted: Counted, caller: Caller) -> None:
    """One connection, kept, as a backend keeps it."""
    with caller.channel() as channel:
        call = channel.unary_unary(
            f"{SERVICE}/GetJWKS",
            v1.GetJWKSRequest.SerializeToString,
            v1.GetJWKSResponse.FromString,
        )
        _repeat(over, counted, "gRPC", lambda: _kept(call))


def _kept(call: grpc.UnaryUnaryMultiCallable) -> str:
    return "" if call(v1.GetJWKSRequest(), timeout=10).keys else "no keys"
