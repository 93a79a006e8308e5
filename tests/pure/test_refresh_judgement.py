"""What a presented refresh token deserves: the five rows, and that no honest race is a theft."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from identra.keys import RingSecret
from identra.sessions import Policy, RefreshToken, Session, Verdict, judge, prove, read
from identra.sessions.judgement import REMEMBERED, advance
from identra.sessions.token import write
from identra.values import DAY, MINUTE, SECOND

POLICY = Policy(idle=7 * DAY, absolute=30 * DAY, grace=30 * SECOND)
NOW = 10_000 * SECOND
SECRET = RingSecret("00112233aabbccdd", b"k" * 32)
SID = "018f3c5e-0000-7000-8000-000000000001"


def token(generation: int) -> RefreshToken:
    return RefreshToken(SID, generation, SECRET.secret_id, b"")


def session(generation: int = 3, advances: tuple[int, ...] = ()) -> Session:
    return Session(
        generation=generation,
        advances=advances or tuple(NOW - (generation - n) * DAY for n in range(generation)),
        spent_with=None,
        idle_ends_at=NOW + DAY,
        ends_at=NOW + 2 * DAY,
        revoked=False,
    )


def test_the_current_token_advances() -> None:
    assert judge(token(3), session(), now=NOW, policy=POLICY) is Verdict.advance


def test_an_older_token_within_the_grace_gets_the_current_one() -> None:
    raced = session(3, (NOW - DAY, NOW - 29 * SECOND, NOW - 20 * SECOND))
    assert judge(token(2), raced, now=NOW, policy=POLICY) is Verdict.repeat
    assert judge(token(1), raced, now=NOW, policy=POLICY) is Verdict.repeat
    assert judge(token(0), raced, now=NOW, policy=POLICY) is Verdict.theft


def test_the_grace_ends_to_the_microsecond() -> None:
    edge = session(1, (NOW - POLICY.grace,))
    assert judge(token(0), edge, now=NOW, policy=POLICY) is Verdict.repeat
    assert judge(token(0), edge, now=NOW + 1, policy=POLICY) is Verdict.theft


def test_a_lost_answer_is_repeated_to_its_idempotency_key_however_late() -> None:
    kept = replace(session(), spent_with="key")
    assert judge(token(2), kept, now=NOW, policy=POLICY, key="key") is Verdict.repeat
    assert judge(token(2), kept, now=NOW, policy=POLICY, key="other") is Verdict.theft
    assert judge(token(2), kept, now=NOW, policy=POLICY) is Verdict.theft
    assert judge(token(1), kept, now=NOW, policy=POLICY, key="key") is Verdict.theft


def test_a_refresh_without_a_key_is_never_repeated_to_none() -> None:
    assert judge(token(2), session(), now=NOW, policy=POLICY, key=None) is Verdict.theft


def test_a_token_ahead_of_the_row_ends_the_session() -> None:
    assert judge(token(4), session(), now=NOW, policy=POLICY) is Verdict.ahead


def test_a_session_is_over_at_each_of_its_ends() -> None:
    for over in (
        replace(session(), revoked=True),
        replace(session(), idle_ends_at=NOW),
        replace(session(), ends_at=NOW),
    ):
        assert judge(token(3), over, now=NOW, policy=POLICY) is Verdict.over


def test_a_full_memory_within_the_grace_answers_without_advancing() -> None:
    """Sixteen advances in thirty seconds: the seventeenth would push out one still in grace."""
    rush = tuple(NOW - n * SECOND for n in reversed(range(REMEMBERED)))
    assert judge(token(20), session(20, rush), now=NOW, policy=POLICY) is Verdict.repeat
    later = NOW + POLICY.grace - 14 * SECOND
    assert judge(token(20), session(20, rush), now=later, policy=POLICY) is Verdict.advance


@given(st.lists(st.integers(0, 20 * SECOND), min_size=1, max_size=60))
def test_whoever_refreshes_within_the_grace_is_never_taken_for_a_thief(gaps: list[int]) -> None:
    """Tabs that present any token spent at most the grace ago live, however many advance."""
    state, now, spent = session(0), NOW, list[tuple[int, int]]()
    for gap in gaps:
        now += gap
        for generation, at in spent:
            if now - at <= POLICY.grace:
                verdict = judge(token(generation), state, now=now, policy=POLICY)
                assert verdict in {Verdict.repeat, Verdict.advance}
        if judge(token(state.generation), state, now=now, policy=POLICY) is Verdict.advance:
            spent.append((state.generation, now))
            state = replace(
                state,
                generation=state.generation + 1,
                advances=advance(state, now=now),
                idle_ends_at=now + POLICY.idle,
                ends_at=now + POLICY.absolute,
            )
        assert len(state.advances) <= REMEMBERED


def test_a_written_token_reads_back_and_proves_itself_alone() -> None:
    text = write(SID, 7, "seed", SECRET)
    back = read(text)
    assert back is not None
    assert (back.session_id, back.generation, back.secret_id) == (SID, 7, SECRET.secret_id)
    assert prove(back, "seed", SECRET)
    assert not prove(back, "other seed", SECRET)
    assert not prove(replace(back, generation=8), "seed", SECRET)
    assert not prove(back, "seed", RingSecret(SECRET.secret_id, b"x" * 32))


@given(st.text(max_size=120), st.integers(0, 100))
def test_a_damaged_token_is_no_token(noise: str, at: int) -> None:
    text = write(SID, 7, "seed", SECRET)
    damaged = text[:at] + noise + text[at + 1 :]
    back = read(damaged)
    assert damaged == text or back is None or not prove(back, "seed", SECRET)


@given(st.integers(-MINUTE, MINUTE))
def test_without_grace_a_spent_token_is_theft_however_late_it_was_asked_for(after: int) -> None:
    """Even before the advance: the instant was read before the row, whose token was spent then."""
    strict = replace(POLICY, grace=0)
    spent = session(1, (NOW,))
    assert judge(token(0), spent, now=NOW + after, policy=strict) is Verdict.theft
    full = session(20, (NOW,) * 16)
    assert judge(token(20), full, now=NOW + after, policy=strict) is Verdict.advance
