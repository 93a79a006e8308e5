"""Asks a service one call after another, and takes the time of each as anybody outside could."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Mapping, Sequence

    from running import Running

OF_EACH_ANSWER = {"x-request-id", "x-attempt-id"}
PATIENCE = 30
Told: TypeAlias = tuple[object, ...]


@dataclass(frozen=True)
class Act:
    """What is asked about an address. With `then` it is the time of that GET right after it."""

    path: str
    said: Mapping[str, str]
    then: str = ""


class Stopwatch:
    """One connection; each act comes from a network of its own, so that nobody is told to wait."""

    def __init__(self, line: HTTPConnection) -> None:
        self._line = line
        self._networks = (f"2001:db8:{n >> 16:x}:{n % 65536:x}::1" for n in count(1))

    def measure(
        self, act: Act, crowd: Mapping[str, Sequence[str]], chance: random.Random
    ) -> dict[str, list[float]]:
        """Seconds by sort for a crowd of addresses by sort, each asked about once, in no order.

        Every answer is the same to the byte.
        """
        calls = [(sort, email) for sort, emails in crowd.items() for email in emails]
        chance.shuffle(calls)
        took, told = defaultdict[str, list[float]](list), set[Told]()
        for sort, email in calls:
            seconds, answer = self.time(act, email)
            took[sort].append(seconds)
            told.add(answer)
        assert len(told) == 1, told
        return took

    def time(self, act: Act, email: str) -> tuple[float, Told]:
        """Seconds, and all that the answer to the act tells."""
        network, body = next(self._networks), json.dumps({"email": email, **act.said})
        seconds, told = self._ask(network, "POST", act.path, body)
        if act.then:
            seconds, _ = self._ask(network, "GET", act.then)
        return seconds, told

    def _ask(self, network: str, method: str, path: str, body: str = "") -> tuple[float, Told]:
        headers = {"X-Forwarded-For": network, "Content-Type": "application/json"}
        began = perf_counter()
        self._line.request(method, path, body or None, headers)
        answer = self._line.getresponse()
        text = answer.read()
        return perf_counter() - began, told(answer, text)


@contextmanager
def watching(service: Running) -> Iterator[Stopwatch]:
    """A stopwatch at a service that trusts this machine as its proxy."""
    line = HTTPConnection(*service.address, timeout=PATIENCE)
    try:
        yield Stopwatch(line)
    finally:
        line.close()


def told(answer: HTTPResponse, text: bytes) -> Told:
    """All that an answer tells, but for the ids that every answer has of its own."""
    headers = sorted((name.lower(), value) for name, value in answer.getheaders())
    said: Any = json.loads(text)
    said.pop("request_id", None)
    others = tuple(pair for pair in headers if pair[0] not in OF_EACH_ANSWER)
    return answer.status, others, json.dumps(said)
