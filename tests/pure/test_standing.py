"""What is told of allowances is two Structured Fields: lists of names with whole numbers."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from identra.limits import EVERY, shares_of
from identra.standing import Standing, fields_of

NUMBERS = st.integers(0, 10**6)
STANDINGS = st.lists(
    st.builds(
        Standing, st.sampled_from([one.name for one in EVERY]), NUMBERS, NUMBERS, NUMBERS, NUMBERS
    ),
    min_size=1,
    max_size=4,
)


@given(STANDINGS)
def test_both_fields_name_the_same_in_the_same_order(standings: list[Standing]) -> None:
    told = fields_of(standings)
    policies = re.findall(r'"([a-z_]+)";q=(\d+);w=(\d+)(?:, |$)', told["RateLimit-Policy"])
    limits = re.findall(r'"([a-z_]+)";r=(\d+);t=(\d+)(?:, |$)', told["RateLimit"])
    assert [(n, int(q), int(w)) for n, q, w in policies] == [
        (one.name, one.most, one.window) for one in standings
    ]
    assert [(n, int(r), int(t)) for n, r, t in limits] == [
        (one.name, one.remaining, one.seconds) for one in standings
    ]


def test_nothing_is_said_of_nothing() -> None:
    assert fields_of(()) == {}


@given(st.text(max_size=40), st.text(max_size=40), st.sampled_from(EVERY))
def test_no_key_shows_whose_it_is(subject: str, network: str, what: object) -> None:
    for share in shares_of(what, subject, network):  # type: ignore[arg-type]
        assert re.fullmatch(rf"limit:{share.allowance.name}:[0-9a-f]{{40}}", share.key)
        assert share.everywhere == (share.most > share.allowance.most)
