"""A far side that knows breached secrets, asked for ranges of their digests as Pwned Passwords is.

Source: "Searching by range" and "Introducing padding to mitigate the risk of a response being
identified", in the API documentation of Have I Been Pwned.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import httpx
from standin.faults import Fault, Instead

OTHERS = 800


def digest(secret: str) -> str:
    return hashlib.sha1(secret.encode(), usedforsecurity=False).hexdigest().upper()


@dataclass
class Ranges:
    """`seen` says how often each secret was; `instead` is what comes in the place of any range."""

    seen: dict[str, int] = field(default_factory=dict)
    instead: Fault | None = None
    asked: list[httpx.Request] = field(default_factory=list)

    @property
    def prefixes(self) -> list[str]:
        return [request.url.path.rpartition("/")[2] for request in self.asked]

    def fault(self, request: httpx.Request) -> Fault | None:
        self.asked.append(request)
        return self.instead

    def answer(self, request: httpx.Request) -> httpx.Response:
        if isinstance(self.instead, Instead):
            return self.instead.response()
        prefix = request.url.path.removeprefix("/range/")
        if len(prefix) != 5:
            return httpx.Response(400, text="The hash prefix was not in a valid format")
        rows = [f"{number:035X}:{number}" for number in range(1, OTHERS)]
        if request.headers.get("add-padding") == "true":
            rows += [f"{digest(str(number))[5:]}:0" for number in range(OTHERS)]
        known = {digest(secret): count for secret, count in self.seen.items()}
        rows += [f"{one[5:]}:{count}" for one, count in known.items() if one[:5] == prefix]
        return httpx.Response(200, text="\r\n".join(sorted(rows)))
