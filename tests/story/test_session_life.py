"""One session in the real room, whatever is shown to it in whatever order, lives by its page."""

from __future__ import annotations

from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING

import pytest
from book import GRACE, IDLE, Book
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from parlour import Room, open_room

from identra.secret import base64url, from_base64url
from identra.sessions.token import PREFIX
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clock import FrozenClock


KEYS = (None, "one", "other")
GAPS = (0, 1, SECOND, GRACE - 1, GRACE, GRACE + 1, 3600 * SECOND, IDLE - 1)
LONGEST_MEMORY = 16 * 17
FEW = 4


@pytest.fixture
def room(tmp_path: Path, clock: FrozenClock) -> Iterator[Room]:
    with open_room(tmp_path, clock) as room:
        yield room


class Life(RuleBasedStateMachine):
    """The room and the book go through the same; they answer alike and record alike."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self.room, self.clock = room, room.clock
        self.graves: list[str] = []
        self._open()

    def _open(self) -> None:
        room = self.room
        self.session, first = room.run(room.open())
        self.book = Book(self.clock())
        self.known = [first]
        self.told: list[str] = []
        self.backup = self.room.run(self.room.row(self.session)), deepcopy(self.book)

    def show(self, generation: int, key: str | None) -> None:
        """Present a token that was given out once, before or after the backup."""
        promised = self.book.present(generation, key, self.clock())
        said, answered = self.room.run(self.room.refresh(self.known[generation], key))
        if promised in {"theft", "ahead"}:
            self.told.append("session.theft" if promised == "theft" else "session.revoked")
        assert (said or promised) == promised
        assert (answered is None) == (promised in {"theft", "ahead", "over"})
        if answered is not None:
            self.known += [answered.token] * (self.book.current == len(self.known))
            assert answered.token == self.known[self.book.current]
            assert answered.expires_at == self.book.ends_at // SECOND

    @rule(gap=st.sampled_from(GAPS) | st.integers(0, 2 * GRACE))
    def time_passes(self, gap: int) -> None:
        self.clock.instant += gap

    @rule(key=st.sampled_from(KEYS))
    def the_current_token(self, key: str | None) -> None:
        self.show(self.book.current, key)

    @rule(tokens=st.integers(1, 20), gap=st.integers(0, 3 * SECOND))
    def a_rush(self, tokens: int, gap: int) -> None:
        for _ in range(tokens):
            self.clock.instant += gap
            self.show(self.book.current, None)

    @rule()
    def weeks_of_use(self) -> None:
        for _ in range(4):
            self.clock.instant += IDLE - 1
            self.show(self.book.current, None)

    @rule(back=st.integers(1, 3), key=st.sampled_from(KEYS))
    def one_a_little_older(self, back: int, key: str | None) -> None:
        self.show(max(0, self.book.current - back), key)

    @precondition(lambda self: self.book.state(self.clock()) == "live")
    @rule(edge=st.integers(-1, 1), key=st.sampled_from(KEYS))
    def one_as_old_as_the_grace(self, edge: int, key: str | None) -> None:
        """To the microsecond."""
        generation = self.book.current
        self.show(generation, "one")
        self.clock.instant += GRACE + edge
        self.show(generation, key)

    @precondition(lambda self: self.book.state(self.clock()) == "live")
    @rule(gap=st.integers(-1, 1))
    def at_its_very_end(self, gap: int) -> None:
        self.clock.instant = self.book.ends_at + gap
        self.show(self.book.current, None)

    @precondition(lambda self: len(self.known) > self.book.current + 1)
    @rule(further=st.integers(1, 3), key=st.sampled_from(KEYS))
    def one_from_after_the_backup(self, further: int, key: str | None) -> None:
        self.show(min(len(self.known) - 1, self.book.current + further), key)

    @precondition(lambda self: self.book.state(self.clock()) == "ended")
    @rule()
    def signed_in_again(self) -> None:
        """The tokens of the session before are no better for it."""
        self.graves += self.known[-1:]
        self._open()
        for token in self.graves[-3:]:
            assert self.room.run(self.room.refresh(token, None)) == ("over", None)

    @rule(share=st.floats(0, 1), key=st.sampled_from(KEYS))
    def any_token_ever(self, share: float, key: str | None) -> None:
        self.show(round(share * (len(self.known) - 1)), key)

    @rule(bit=st.integers(0, 63 * 8))
    def a_forged_one(self, bit: int) -> None:
        """Opens nothing and ends nothing, by whatever bit it differs."""
        raw = bytearray(from_base64url(self.known[self.book.current].removeprefix(PREFIX)))
        raw[bit // 8] ^= 1 << bit % 8
        said, answered = self.room.run(self.room.refresh(PREFIX + base64url(bytes(raw)), None))
        assert said in {"forged", "no such session", "unknown secret"}
        assert answered is None

    @rule(share=st.floats(0, 1))
    def revoked_by_any_token(self, share: float) -> None:
        """Also after it ran out, which is no news then but for the record."""
        token = self.known[round(share * (len(self.known) - 1))]
        self.room.run(self.room.app.sessions.revoke_by_token(token))
        self.told += ["session.revoked"] * (not self.book.ended)
        self.book.ended = True

    @rule()
    def a_backup_is_made(self) -> None:
        self.backup = self.room.run(self.room.row(self.session)), deepcopy(self.book)

    @rule()
    def the_backup_is_restored(self) -> None:
        row, book = self.backup
        self.room.run(self.room.restore(row))
        self.book = deepcopy(book)

    @rule()
    def one_token_at_most_can_advance(self) -> None:
        """Of those given out, each tried on the session as it stands."""
        row = self.room.run(self.room.row(self.session))
        moved = 0
        for token in {self.known[self.book.current], *self.known[-FEW:]}:
            self.room.run(self.room.refresh(token, None))
            after = self.room.run(self.room.row(self.session))
            moved += after["generation"] != row["generation"]
            self.room.run(self.room.restore(row))
        assert moved == (self.book.state(self.clock()) == "live")
        self.told = self.room.run(self.room.ends(row["user_id"]))

    @invariant()
    def what_is_kept_is_small_and_what_happened_is_on_record(self) -> None:
        row = self.room.run(self.room.row(self.session))
        assert row["generation"] == self.book.current
        assert (row["revoked_at"] is not None) == self.book.ended
        assert len(row["advances"]) <= LONGEST_MEMORY
        assert self.room.run(self.room.ends(row["user_id"])) == self.told


def test_whatever_is_shown_in_whatever_order_is_answered_by_the_page(
    room: Room, request: pytest.FixtureRequest
) -> None:
    """Nothing opens an ended session but a restored backup; each end is recorded once."""
    many = request.config.getoption("everywhere")
    bounds = settings(
        max_examples=100 if many else 15,
        stateful_step_count=100 if many else 40,
        deadline=None,
        phases=(Phase.reuse, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(partial(Life, room), settings=bounds)
