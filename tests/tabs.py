"""A browser's tabs over one store of tokens, on a bad line, in a time of their own."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Pace: TypeAlias = Callable[[Random, int], int]

LOST = 0.3
TRAVEL = SECOND
"""The longest that a question is under way, and an answer."""


class Asked(NamedTuple):
    """What reaches the server, and when."""

    at: int
    token: str
    key: str | None


class Home(NamedTuple):
    """An answer that reaches its tab: what it had sent, what it got."""

    sent: str
    got: str


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
    careful: bool = True
    """Whether a tab leaves alone what another saved while its own answer was under way."""
    patience: int = 10 * SECOND
    """How long a tab that lost an answer waits at most before it asks again."""

    def live(self, token: str, now: int, answers: int) -> Generator[Asked, str | None, bool]:
        """Until so many answers reached a tab: yields what is asked, is sent what is answered.

        Ends at once when a tab is refused. Returns whether all went well.
        """
        random, serial = Random(self.seed), count()  # noqa: S311 - chance, not a secret
        stored, came = token, 0
        due: list[tuple[int, int, int, Asked | Home | None]] = []

        def later(at: int, tab: int, what: Asked | Home | None = None) -> None:
            heappush(due, (at, next(serial), tab, what))

        for tab in range(self.tabs):
            later(self.pace(random, now), tab)
        while came < answers:
            now, _, tab, what = heappop(due)
            if what is None:
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
                    later(now + random.randrange(TRAVEL), tab, Home(what.token, got))
            else:
                late = self.careful and stored != what.sent
                stored = stored if late else what.got
                came += 1
                later(self.pace(random, now), tab)
        return True
