"""Eight tabs over one store of tokens lose three answers of ten, and are never signed out."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from clock import NOON
from parlour import open_room
from tabs import POLICY, RESTED, Browser, Row, hurried, seldom, together

from identra.sessions import Roster
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from clock import FrozenClock
    from parlour import Room
    from tabs import Asked

    Kind = Callable[[int], Browser]

SEEDS = range(20)
ANSWERS = 10_000
HOUR = 3600 * SECOND
LONG = {"auth": {"session_max_age": "36500d"}}
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of the test's own is made in it


def play(browser: Browser, token: str, answers: int, server: Callable[[Asked], str | None]) -> bool:
    """Whether nobody was signed out."""
    tabs = browser.live(token, NOON, answers)
    asked = next(tabs)
    while True:
        try:
            asked = tabs.send(server(asked))
        except StopIteration as over:
            return bool(over.value)


RACING = "tabs that race without a key"
BROWSERS = {
    RACING: partial(Browser, pace=hurried),
    "tabs that sleep over a lost answer and keep a key": partial(
        Browser, pace=together, keyed=True, rested=RESTED, patience=HOUR // 6
    ),
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


@pytest.mark.parametrize(("memory", "grace"), [(1, 10), (1, 30), (16, 5), (16, 0)])
def test_with_a_shorter_memory_or_grace_everybody_is(memory: int, grace: int) -> None:
    """So the racing tabs are a trial of both."""
    for seed in SEEDS:
        row = Row(replace(POLICY, grace=grace * SECOND), memory)
        assert not play(Browser(seed, hurried), "0", ANSWERS, row.answer), seed


def test_without_its_key_a_tab_alone_is_signed_out() -> None:
    for seed in SEEDS:
        forgetful = Browser(seed, seldom, tabs=1, patience=6 * HOUR)
        assert not play(forgetful, "0", ANSWERS, Row(POLICY).answer), seed


@pytest.mark.parametrize("slip", [{"keyed": False}, {"rested": 0}], ids=["key", "rest"])
def test_each_rule_for_clients_is_needed(slip: dict[str, Any]) -> None:
    """Tabs that sleep over a lost answer are signed out sooner or later without its key, or if
    they refresh a pair that another has just saved.
    """
    kept: dict[str, Any] = {"keyed": True, "rested": RESTED, "patience": HOUR // 6}
    browsers = [Browser(seed, together, **kept | slip) for seed in SEEDS]
    lived = [play(one, "0", ANSWERS, Row(POLICY).answer) for one in browsers]
    assert sum(lived) < len(SEEDS)


@pytest.fixture
def room(tmp_path: Path, clock: FrozenClock) -> Iterator[Room]:
    """In memory where that is a place for files: no disk is asked to flush 600,000 times."""
    place = MEMORY if MEMORY.is_dir() else tmp_path
    with (
        tempfile.TemporaryDirectory(dir=place) as folder,
        open_room(Path(folder), clock, LONG) as room,
    ):
        yield room


@pytest.mark.parametrize(
    ("kind", "seeds"),
    [(BROWSERS[name], SEEDS if name == RACING else SEEDS[:3]) for name in BROWSERS],
    ids=BROWSERS,
)
def test_in_the_room_nobody_is_signed_out(
    room: Room, kind: Kind, seeds: range, request: pytest.FixtureRequest
) -> None:
    """And the one session is the one there was, without an event."""
    many = request.config.getoption("everywhere")
    for seed in seeds if many else seeds[:1]:
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
        (live,) = room.run(Roster(room.app.database).live(row["user_id"]))
        assert live.session_id == session
