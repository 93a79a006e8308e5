"""A browser's tabs over one store of tokens, on a bad line, in a time of their own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from book import GRACE, IDLE
from clock import NOON

from identra.sessions import Policy, RefreshToken, Session, Verdict, judge
from identra.sessions.judgement import REMEMBERED, advance
from identra.values import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Pace: TypeAlias = Callable[[Random, int], int]

LOST = 0.3
TRAVEL = SECOND
"""The longest that a question is under way, and an answer."""


RESTED = 14 * 60 * SECOND
"""A minute less than an access token lives."""
AGE = 36_500 * DAY
"""No session is to end for its age here."""
POLICY = Policy(IDLE, AGE, GRACE)
NEW = Session(0, (), None, NOON + IDLE, NOON + AGE, revoked=False)


class Asked(NamedTuple):
    """What reaches the server, and when."""

    at: int
    token: str
    key: str | None


def hurried(random: Random, now: int) -> int:
    """A tab asks again within ten seconds of its answer."""
    return now + random.randrange(10 * SECOND)


def together(random: Random, now: int) -> int:
    """The tabs share an access token, and all ask as it runs out, each 15 minutes."""
    quarter = 900 * SECOND
    return (now // quarter + 1) * quarter + random.randrange(10 * SECOND)


def seldom(random: Random, now: int) -> int:
    """Within half a day."""
    return now + random.randrange(12 * 3600 * SECOND)


@dataclass(frozen=True)
class Browser:
    """Tabs that keep to the rules for clients on docs/sessions.md, and what they do by chance."""

    seed: int
    pace: Pace
    keyed: bool = False
    tabs: int = 8
    rested: int = 0
    """A pair that was saved less than so long ago is used, and not refreshed."""
    patience: int = 10 * SECOND
    """How long a tab that lost an answer waits at most before it asks again."""

    def live(self, token: str, now: int, answers: int) -> Generator[Asked, str | None, bool]:
        """Until so many answers reached a tab: yields what is asked, is sent what is answered.

        Ends at once when a tab is refused. Returns whether all went well.
        """
        random, serial = Random(self.seed), count()  # noqa: S311 - chance, not a secret
        stored, saved, came = token, now - self.rested, 0
        due: list[tuple[int, int, int, Asked | str | None]] = []

        def later(at: int, tab: int, what: Asked | str | None = None) -> None:
            heappush(due, (at, next(serial), tab, what))

        for tab in range(self.tabs):
            later(self.pace(random, now), tab)
        while came < answers:
            now, _, tab, what = heappop(due)
            if what is None and now - saved < self.rested:
                later(self.pace(random, now), tab)
            elif what is None:
                arrives = now + random.randrange(TRAVEL)
                key = f"kept with {stored}" if self.keyed else None
                later(arrives, tab, Asked(arrives, stored, key))
            elif isinstance(what, Asked):
                got = yield what
                if got is None:
                    return False
                if random.random() < LOST:
                    later(now + random.randrange(self.patience), tab)
                else:
                    later(now + random.randrange(TRAVEL), tab, got)
            else:
                stored, saved = what, now
                came += 1
                later(self.pace(random, now), tab)
        return True


@dataclass
class Row:
    """A session's row; its tokens are the plain numbers of their generations."""

    policy: Policy
    memory: int = REMEMBERED
    session: Session = NEW

    def answer(self, asked: Asked) -> str | None:
        """As the room does, but without a database."""
        token = RefreshToken("", int(asked.token), "", b"")
        verdict = judge(token, self.session, now=asked.at, policy=self.policy, key=asked.key)
        if verdict is Verdict.advance:
            self._advance(asked)
        elif verdict is not Verdict.repeat:
            return None
        return str(self.session.generation)

    def _advance(self, asked: Asked) -> None:
        advances = advance(self.session, now=asked.at)
        self.session = replace(
            self.session,
            generation=self.session.generation + 1,
            advances=advances[-self.memory :],
            spent_with=asked.key,
            idle_ends_at=asked.at + self.policy.idle,
        )
