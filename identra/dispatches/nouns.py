"""What a dispatch is: one event for one target."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from identra.values import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

WAITING: Final = "waiting"
"""It is to be sent, now or later; `due_at` says when."""
DELIVERED: Final = "delivered"
DEAD: Final = "dead"
"""It was given up; an operator may have it sent again."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event that is about to last. `at` is in Unix microseconds."""

    event_id: str
    at: int
    name: str
    user_id: str | None
    data: Mapping[str, str]

    @property
    def lane(self) -> str:
        """What is kept in order: all events of one user; one about nobody is alone."""
        return self.user_id or self.event_id

    @property
    def body(self) -> str:
        """The JSON that is sent, in ASCII and without space: these very bytes are signed."""
        about = {"user_id": self.user_id} if self.user_id else {}
        told = {"type": self.name, "timestamp": rfc3339(self.at), "data": about | dict(self.data)}
        return json.dumps(told, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A dispatch that this process has claimed, and for a while alone sends.

    `tries` are those that failed; a `late` one is not tried again.
    """

    dispatch_id: str
    event_id: str
    target: str
    lane: str
    tries: int
    body: str
    claim: str
    late: bool
