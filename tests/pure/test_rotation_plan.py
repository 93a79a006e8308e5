"""The plan of a rotation, played through for years: at every instant one key signs, every verifier
that keeps to the key set's max-age knows it, and whatever was signed verifies until its end.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from identra.keys import KeyRow, Promote, Publish, Retire, RotationPolicy, plan_rotation
from identra.values import DAY, HOUR, MINUTE, SECOND

if TYPE_CHECKING:
    from identra.keys.plan import Step

LIVES = 15 * 60
POLICY = RotationPolicy("RS256", every=90 * DAY)
START = 1_800_000_000 * SECOND


def key(kid: str, state: str, at: int, **more: object) -> KeyRow:
    row = KeyRow(kid, "sig", "RS256", state, "master", at, at, None, LIVES)
    return replace(row, **more)


@dataclass
class Ring:
    """A ring that takes the steps as the database would; it remembers when each key signed."""

    keys: list[KeyRow]
    signed: dict[str, list[int]] = field(default_factory=dict)

    @property
    def active(self) -> KeyRow:
        (active,) = (key for key in self.keys if key.state == "active")
        return active

    def take(self, step: Step, now: int, policy: RotationPolicy) -> None:
        if isinstance(step, Publish):
            made = key(f"key{len(self.keys)}", "passive", now, signs_from=step.signs_from)
            self.keys.append(replace(made, algorithm=step.algorithm))
        elif isinstance(step, Promote):
            waiting = self._named(step.kid)
            assert now >= waiting.created_at + policy.soonest
            self._put(replace(self.active, state="former", changed_at=now))
            self._put(replace(waiting, state="active", changed_at=now))
        else:
            last = max(self.signed.get(step.kid, [0]))
            assert now > last + LIVES * SECOND
            self._put(replace(self._named(step.kid), state="retired", changed_at=now))

    def _named(self, kid: str) -> KeyRow:
        return next(key for key in self.keys if key.kid == kid)

    def _put(self, row: KeyRow) -> None:
        self.keys = [row if row.kid == key.kid else key for key in self.keys]


def live(ring: Ring, now: int, policy: RotationPolicy) -> None:
    """One look of one process: everything that is due is taken, and somebody logs in."""
    while (plan := plan_rotation(ring.keys, now=now, policy=policy)) and plan[0].at <= now:
        ring.take(plan[0].step, now, policy)
    ring.signed.setdefault(ring.active.kid, []).append(now)


@settings(max_examples=60, deadline=None)
@given(
    pauses=st.lists(st.integers(1, 40 * DAY), min_size=20, max_size=120),
    every=st.one_of(st.none(), st.integers(1, 200)),
    changes=st.sets(st.integers(0, 100), max_size=4),
)
def test_at_every_instant_one_key_signs_and_all_that_lives_verifies(
    pauses: list[int], every: int | None, changes: set[int]
) -> None:
    policy = RotationPolicy("RS256", every=None if every is None else every * DAY)
    ring, now = Ring([key("key0", "active", START)]), START
    for turn, pause in enumerate(pauses):
        if turn in changes:
            other = "ES256" if policy.algorithm == "RS256" else "RS256"
            policy = replace(policy, algorithm=other)
        live(ring, now, policy)
        known = {row.kid for row in ring.keys if row.state in ("passive", "active", "former")}
        for kid, instants in ring.signed.items():
            if now <= max(instants) + LIVES * SECOND:
                assert kid in known
        assert sum(row.state == "passive" for row in ring.keys) <= 1
        now += pause


def test_a_year_of_hourly_looks_changes_the_key_every_ninety_days() -> None:
    ring = Ring([key("key0", "active", START)])
    for hour in range(365 * 24):
        live(ring, START + hour * HOUR, POLICY)
    assert [row.state for row in ring.keys] == ["retired"] * 4 + ["active"]
    starts = [min(ring.signed[f"key{number}"]) for number in range(5)]
    assert [later - earlier for earlier, later in pairwise(starts)] == [90 * DAY] * 4


@pytest.mark.parametrize(
    ("keys", "now", "expected"),
    [
        pytest.param([key("a", "active", START)], START, (START + 89 * DAY, "publish"), id="young"),
        pytest.param(
            [key("a", "active", START)], START + 200 * DAY, (START + 89 * DAY, "publish"), id="late"
        ),
        pytest.param(
            [key("a", "active", START), key("b", "passive", START, signs_from=START + DAY)],
            START,
            (START + DAY, "promote"),
            id="waiting",
        ),
        pytest.param(
            [key("b", "active", START), key("a", "former", START)],
            START,
            (START + LIVES * SECOND + 5 * MINUTE, "retire"),
            id="former",
        ),
        pytest.param(
            [key("a", "active", START, algorithm="ES256")], START, (START, "publish"), id="another"
        ),
    ],
)
def test_the_earliest_step_is_foreseen(
    keys: list[KeyRow], now: int, expected: tuple[int, str]
) -> None:
    due = plan_rotation(keys, now=now, policy=POLICY)[0]
    assert (due.at, due.step.name) == expected


def test_never_is_never() -> None:
    policy = replace(POLICY, every=None)
    assert plan_rotation([key("a", "active", START)], now=START + 999 * DAY, policy=policy) == ()


def test_a_key_whose_publication_is_late_is_still_published_ahead() -> None:
    """A service that slept through the date does not sign with a key that nobody has seen."""
    now = START + 200 * DAY
    step = plan_rotation([key("a", "active", START)], now=now, policy=POLICY)[0].step
    assert step == Publish("RS256", now + DAY)


def test_a_former_secret_is_kept_as_long_as_sessions_live() -> None:
    secret = key("s", "former", START, purpose="mac", algorithm="HS256", lives=30 * 86_400)
    plan = plan_rotation([key("a", "active", START), secret], now=START, policy=POLICY)
    assert plan[0].at == START + 30 * DAY + 5 * MINUTE
    assert plan[0].step == Retire(secret)


def test_a_key_published_while_the_clock_was_years_ahead_stops_no_rotation() -> None:
    """It would be promoted when that time comes, and until then no other would be published."""
    ahead = START + 3650 * DAY
    waiting = key("new", "passive", ahead, signs_from=ahead + DAY)
    ring = Ring([key("old", "active", START), waiting])
    live(ring, START + HOUR, POLICY)
    assert [each.state for each in ring.keys] == ["active", "retired"]
    for hours in range(91 * 24):
        live(ring, START + hours * HOUR, POLICY)
    assert ring.active.kid == "key2"
