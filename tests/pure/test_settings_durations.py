"""Durations read as people write them, and only so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from identra.settings import format_duration, parse_duration
from identra.settings.durations import LONGEST


@given(st.integers(0, LONGEST))
def test_a_written_duration_reads_back_as_the_same_seconds(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("30s", 30),
        ("10m", 600),
        ("24h", 86_400),
        ("7d", 604_800),
        ("1h30m", 5_400),
        ("168h", 604_800),
        ("1d1h1m1s", 90_061),
        ("90m", 5_400),
        ("0s", 0),
    ],
)
def test_a_duration_is_the_sum_of_its_parts(written: str, seconds: int) -> None:
    assert parse_duration(written) == seconds


@pytest.mark.parametrize(
    "written",
    [
        "",
        "10",
        "m",
        "-1m",
        "1.5h",
        "1m1h",
        "1m 1s",
        " 1m",
        "1m\n",
        "1M",
        "1w",
        "٣m",
        "10ms",
        "1h1h",
    ],
)
def test_anything_else_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="a duration reads like"):
        parse_duration(written)


@given(st.from_regex(r"[0-9dhms -]{0,8}", fullmatch=True))
def test_whatever_is_read_is_written_back_with_the_same_meaning(text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError:
        return
    assert parse_duration(format_duration(seconds)) == seconds >= 0
