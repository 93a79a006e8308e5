"""docs/sessions.md draws what the judgement does: each arrow, each answer, and no others."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import handbook
from book import ABSOLUTE, GRACE, IDLE, PAGE, Book, Edge, diagram
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    rule,
    run_state_machine_as_test,
)

from identra.sessions import Policy, RefreshToken, Session, Verdict, judge
from identra.sessions.judgement import REMEMBERED, advance
from identra.settings.sections import Auth
from identra.values import SECOND

if TYPE_CHECKING:
    import pytest

POLICY = Policy(IDLE, ABSOLUTE, GRACE)
START = 1_800_000_000 * SECOND
KEYS = (None, "one", "other")
LATER = GRACE + 1
PASTS = ((), (LATER,) * 3, (LATER, *(SECOND,) * 14), (LATER, LATER, *(SECOND,) * 15), (0,) * 20)
"""Pauses before each refresh of a session so far."""
GAPS = (0, 1, SECOND, GRACE - 1, GRACE, GRACE + 1, 3600 * SECOND, IDLE - 1, IDLE)


class Side:
    """The page's session and the code's, which go through the same."""

    def __init__(self) -> None:
        self.now = START
        self.book = Book(START)
        self.session = Session(0, (), None, START + IDLE, START + ABSOLUTE, revoked=False)

    def present(self, generation: int, key: str | None) -> None:
        """Show a token to both; they answer alike, and go on alike."""
        promised = self.book.present(generation, key, self.now)
        token = RefreshToken("", generation, "", b"")
        verdict = judge(token, self.session, now=self.now, policy=POLICY, key=key)
        assert verdict.value == promised
        if verdict is Verdict.advance:
            self.session = replace(
                self.session,
                generation=self.session.generation + 1,
                advances=advance(self.session, now=self.now),
                spent_with=key,
                idle_ends_at=min(self.now + IDLE, self.session.ends_at),
            )
        elif verdict in {Verdict.theft, Verdict.ahead}:
            self.session = replace(self.session, revoked=True)
        assert self.session.generation == self.book.current
        assert len(self.session.advances) <= REMEMBERED


def walked() -> set[Edge]:
    """The arrows taken when everything is tried after each of a few pasts."""
    seen: set[Edge] = set()
    for past, spent_with, gap, key in product(PASTS, ("one", None), GAPS, KEYS):
        for generation in range(len(past) + 2):
            side = Side()
            for pause in past:
                side.now += pause
                side.present(side.book.current, spent_with)
            side.now += gap
            side.present(generation, key)
            side.present(generation, key)
            seen |= side.book.seen
    return seen


def test_every_arrow_on_the_page_is_taken() -> None:
    """And none that is missing there: the book refuses what the page does not draw."""
    assert walked() == diagram()


def test_the_page_has_every_answer_and_every_name() -> None:
    table = handbook.sections(PAGE, 2)["What a refresh token is worth"]
    rows = handbook.rows(table, "presented")
    drawn = {(edge.presented, edge.answer) for edge in diagram() if edge.state != "ended"}
    told = {
        (name, answer)
        for row in rows
        for name in handbook.coded(row[0])
        for answer in handbook.coded(row[2])
    }
    assert told == drawn
    answers = {edge.answer for edge in diagram()}
    assert answers == {verdict.value for verdict in Verdict}
    assert answers <= set(handbook.coded(table))


def test_the_page_tells_the_lifetimes_that_are_set() -> None:
    auth = Auth()
    told = {
        handbook.coded(row[0])[0]: handbook.coded(row[1])[0]
        for row in handbook.rows(handbook.sections(PAGE, 2)["Lifetimes"], "setting")
    }
    words = {60 * 15: "15m", 86_400 * 7: "7d", 86_400 * 30: "30d", 30: "30s"}
    assert told == {
        f"auth.{name}": words[getattr(auth, name)]
        for name in (
            "access_token_expiration",
            "refresh_token_expiration",
            "session_max_age",
            "refresh_grace",
        )
    }


class Walk(RuleBasedStateMachine):
    """Any tokens with any keys at any pace."""

    def __init__(self) -> None:
        super().__init__()
        self.side = Side()

    @rule(gap=st.sampled_from(GAPS[:-1]) | st.integers(0, 2 * GRACE))
    def time_passes(self, gap: int) -> None:
        self.side.now += gap

    @rule(key=st.sampled_from(KEYS))
    def the_current_token(self, key: str | None) -> None:
        self.side.present(self.side.book.current, key)

    @rule(tokens=st.integers(1, 20), gap=st.integers(0, 3 * SECOND))
    def a_rush(self, tokens: int, gap: int) -> None:
        for _ in range(tokens):
            self.side.now += gap
            self.side.present(self.side.book.current, None)

    @rule(back=st.integers(1, 3), key=st.sampled_from(KEYS))
    def one_a_little_older(self, back: int, key: str | None) -> None:
        self.side.present(max(0, self.side.book.current - back), key)

    @rule(share=st.floats(0, 1), key=st.sampled_from(KEYS))
    def any_token_ever(self, share: float, key: str | None) -> None:
        self.side.present(round(share * (self.side.book.current + 1)), key)


def test_a_walk_of_any_length_follows_the_page(request: pytest.FixtureRequest) -> None:
    many = request.config.getoption("everywhere")
    bounds = settings(max_examples=2000 if many else 60, stateful_step_count=50, deadline=None)
    run_state_machine_as_test(Walk, settings=bounds)
