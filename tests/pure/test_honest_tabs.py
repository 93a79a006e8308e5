"""Tabs that keep the rules of docs/sessions.md are never refused, whatever gets lost or is late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clock import NOON
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tabs import POLICY, RESTED, Asked, Row

from identra.values import DAY, SECOND

if TYPE_CHECKING:
    import pytest

PATIENCE = 10 * SECOND
"""A client gives up an attempt after so long; what was on its way arrives no later than twice."""
PAUSES = [0, 0, 0, SECOND, SECOND, PATIENCE, 31 * SECOND, RESTED, 3600 * SECOND, DAY]


@dataclass(frozen=True)
class Flight:
    """A question or an answer under way."""

    since: int
    sent: str
    got: str | None = None


class Tabs(RuleBasedStateMachine):
    """Any number of them; the adversary is the line and the time of day."""

    def __init__(self) -> None:
        super().__init__()
        self.now, self.row = NOON, Row(POLICY)
        self.stored, self.saved = "0", NOON
        self.asked: list[Flight] = []
        self.answered: list[Flight] = []

    @rule(pause=st.sampled_from(PAUSES))
    def time_passes(self, pause: int) -> None:
        """But the session's own time does not run out."""
        if self.now + pause < self.row.session.idle_ends_at:
            self.now += pause

    @precondition(lambda self: self.now - self.saved >= RESTED)
    @rule(tabs=st.integers(1, 3))
    def tabs_ask(self, tabs: int) -> None:
        """With what is saved now, once the access token saved with it is nearly over."""
        self.asked += [Flight(self.now, self.stored)] * tabs

    @precondition(lambda self: self.asked)
    @rule(which=st.integers(0, 50), lost=st.booleans())
    def a_question_arrives(self, which: int, lost: bool) -> None:
        """In any order; and its answer may never leave."""
        flight = self.asked.pop(which % len(self.asked))
        if self.now - flight.since > 2 * PATIENCE:
            return
        got = self.row.answer(Asked(self.now, flight.sent, f"kept with {flight.sent}"))
        assert got is not None, "an honest tab was refused"
        if not lost:
            self.answered.append(Flight(flight.since, flight.sent, got))

    @precondition(lambda self: self.answered)
    @rule(which=st.integers(0, 50))
    def an_answer_comes_home(self, which: int) -> None:
        """In any order; one that comes after its tab gave up is not saved."""
        flight = self.answered.pop(which % len(self.answered))
        if flight.got and self.now - flight.since <= PATIENCE:
            self.stored, self.saved = flight.got, self.now


def test_tabs_that_keep_to_the_rules_are_never_refused(request: pytest.FixtureRequest) -> None:
    many = request.config.getoption("everywhere")
    bounds = settings(max_examples=3000 if many else 300, stateful_step_count=60, deadline=None)
    run_state_machine_as_test(Tabs, settings=bounds)
