"""Eight tabs over one store of tokens lose three answers of ten, and are never signed out."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from book import GRACE, IDLE
from clock import NOON
from parlour import open_room
from tabs import Browser, hurried, seldom, together

from identra.sessions import Policy, RefreshToken, Session, Verdict, judge
from identra.sessions.judgement import REMEMBERED, advance
from identra.values import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clock import FrozenClock
    from parlour import Room
    from tabs import Asked

    Kind = Callable[[int], Browser]

SEEDS = range(20)
ANSWERS = 10_000
HOUR = 3600 * SECOND
AGE = 36_500 * DAY
"""No session is to end for its age here."""
POLICY = Policy(IDLE, AGE, GRACE)
NEW = Session(0, (), None, NOON + IDLE, NOON + AGE, revoked=False)
LONG = {"auth": {"session_max_age": "36500d"}}
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of the test's own is made in it


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


def play(browser: Browser, token: str, answers: int, server: Callable[[Asked], str | None]) -> bool:
    """Whether nobody was signed out."""
    tabs = browser.live(token, NOON, answers)
    asked = next(tabs)
    while True:
        try:
            asked = tabs.send(server(asked))
        except StopIteration as over:
            return bool(over.value)


BROWSERS = {
    "tabs that race without a key": partial(Browser, pace=hurried),
    "tabs that wake together and keep a key": partial(Browser, pace=together, keyed=True),
    "a tab alone that keeps a key": partial(
        Browser, pace=seldom, keyed=True, tabs=1, patience=6 * HOUR
    ),
}
KINDS = pytest.mark.parametrize("kind", BROWSERS.values(), ids=BROWSERS)


@KINDS
def test_by_the_judgement_nobody_is_signed_out(kind: Kind) -> None:
    for seed in SEEDS:
        row = Row(POLICY)
        assert play(kind(seed), "0", ANSWERS, row.answer), seed
        assert row.session.generation > ANSWERS / 20


@pytest.mark.parametrize(("memory", "grace"), [(1, 10), (1, 30), (16, 5)])
def test_with_a_shorter_memory_or_grace_everybody_is(memory: int, grace: int) -> None:
    """So the racing tabs are a trial of both."""
    for seed in SEEDS:
        row = Row(replace(POLICY, grace=grace * SECOND), memory)
        assert not play(Browser(seed, hurried), "0", ANSWERS, row.answer), seed


def test_without_its_key_a_tab_alone_is_signed_out() -> None:
    for seed in SEEDS:
        forgetful = Browser(seed, seldom, tabs=1, patience=6 * HOUR)
        assert not play(forgetful, "0", ANSWERS, Row(POLICY).answer), seed


def test_tabs_that_save_a_late_answer_over_a_newer_one_are_signed_out() -> None:
    """Sooner or later: the third rule for clients is needed."""
    careless = partial(Browser, pace=together, keyed=True, careful=False)
    assert not all(play(careless(seed), "0", ANSWERS, Row(POLICY).answer) for seed in SEEDS)


@pytest.fixture
def room(tmp_path: Path, clock: FrozenClock) -> Iterator[Room]:
    """In memory where that is a place for files: no disk is asked to flush 600,000 times."""
    place = MEMORY if MEMORY.is_dir() else tmp_path
    with (
        tempfile.TemporaryDirectory(dir=place) as folder,
        open_room(Path(folder), clock, LONG) as room,
    ):
        yield room


@KINDS
def test_in_the_room_nobody_is_signed_out(
    room: Room, kind: Kind, request: pytest.FixtureRequest
) -> None:
    """And the one session is the one there was, without an event."""
    many = request.config.getoption("everywhere")
    for seed in SEEDS if many else SEEDS[:1]:
        room.clock.instant = NOON
        session, first = room.run(room.open())

        def server(asked: Asked) -> str | None:
            room.clock.instant = asked.at
            _, answered = room.run(room.refresh(asked.token, asked.key))
            return answered.token if answered else None

        assert play(kind(seed), first, ANSWERS if many else 1000, server), seed
        row = room.run(room.row(session))
        assert row["revoked_at"] is None
        assert row["generation"] > 10
        assert room.run(room.ends(row["user_id"])) == []
