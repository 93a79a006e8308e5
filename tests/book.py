"""A session's life written down in full, and judged by the diagram in docs/sessions.md alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

import handbook

from identra.values import DAY, SECOND

PAGE = "docs/sessions.md"
EDGE = re.compile(r"^ +(\S+) --> (\S+): ([\w-]+)(?: / (\w+))?$", re.MULTILINE)
SOONER_OR_LATER = {"time", "revoked", "sign-in"}
"""What happens to a session without a token's being judged."""
IDLE, ABSOLUTE, GRACE = 7 * DAY, 30 * DAY, 30 * SECOND
CROWD = 16


class Edge(NamedTuple):
    """From a state, when this is presented, with this answer, to a state."""

    state: str
    presented: str
    answer: str
    then: str


@cache
def diagram() -> frozenset[Edge]:
    """What the page draws of tokens presented; each line of it is understood."""
    (drawn,) = (fence.text for fence in handbook.on(PAGE) if fence.language == "mermaid")
    found = [Edge(m[1], m[3], m[4] or "", m[2]) for m in EDGE.finditer(drawn)]
    assert len(found) == drawn.count(": "), "an arrow that is not understood"
    return frozenset(edge for edge in found if edge.presented not in SOONER_OR_LATER)


@dataclass
class Book:
    """Every spending of every token of one session: when, and with which key (or none)."""

    opened_at: int
    spent: list[tuple[int, str | None]] = field(default_factory=list)
    ended: bool = False
    idle_ends_at: int = 0
    seen: set[Edge] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.idle_ends_at = self.opened_at + IDLE

    @property
    def current(self) -> int:
        """The generation of the current token."""
        return len(self.spent)

    @property
    def ends_at(self) -> int:
        """When it is over if nobody refreshes."""
        return min(self.idle_ends_at, self.opened_at + ABSOLUTE)

    def state(self, now: int) -> str:
        """In the page's words."""
        if self.ended or now >= self.ends_at:
            return "ended"
        crowd = self.spent[-CROWD:]
        busy = len(crowd) == CROWD and now - crowd[0][0] <= GRACE
        return "busy" if busy else "live"

    def name(self, generation: int, key: str | None, now: int) -> str:
        """What the page calls such a token."""
        if generation >= self.current:
            return "current" if generation == self.current else "ahead"
        at, spent_with = self.spent[generation]
        if now - at <= GRACE:
            return "recent"
        last = generation == self.current - 1
        return "lost" if last and key is not None and key == spent_with else "old"

    def present(self, generation: int, key: str | None, now: int) -> str:
        """The answer that the page promises; the book goes on as it draws."""
        state, presented = self.state(now), self.name(generation, key, now)
        drawn = [
            edge
            for edge in diagram()
            if edge.state == state and edge.presented in {presented, "any"}
        ]
        answers = {edge.answer for edge in drawn}
        assert len(answers) == 1, f"the page says {answers} of {presented} when {state}"
        (answer,) = answers
        self._turn(answer, key, now)
        taken = [edge for edge in drawn if edge.then == self.state(now)]
        assert taken, f"the page draws no arrow from {state} to {self.state(now)} by {presented}"
        self.seen.update(taken)
        return answer

    def _turn(self, answer: str, key: str | None, now: int) -> None:
        if answer == "advance":
            self.spent.append((now, key))
            self.idle_ends_at = now + IDLE
        elif answer in {"theft", "ahead"}:
            self.ended = True
