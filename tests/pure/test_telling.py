"""The sentence about an attempt follows from its steps and from those before it."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

from identra.attempts import Kept, why, written
from identra.attempts.telling import STEPS
from identra.trail import SUCCEEDED, Step
from identra.values import SECOND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.trail import StepName

NOON = 1_800_000_000 * SECOND


def step(name: StepName, **facts: str) -> Step:
    return Step(name, 0, MappingProxyType(facts))


def kept(  # noqa: PLR0917 - what differs from case to case, in the order of a row
    act: str,
    outcome: str,
    steps: Sequence[Step] = (),
    detail: str = "",
    seconds: int = 0,
    attempt_id: str = "this",
    provider: str = "email",
) -> Kept:
    return Kept(
        attempt_id=attempt_id,
        at=NOON + seconds * SECOND,
        act=act,
        provider=provider,
        outcome=outcome,
        detail=detail,
        user_id="u1",
        subject="s",
        request_id="r",
        peer="192.0.2.1",
        ms=1,
        steps=tuple(steps),
    )


def code(*steps: Step, seconds: int = 0) -> Kept:
    return kept("code.complete", "INVALID_CODE", steps, seconds=seconds)


NONE = step("code.none", guess="1")
SENT = kept("code.begin", SUCCEEDED, [step("code.sent", by="mail", lives="600")], attempt_id="sent")
USED = kept("code.complete", SUCCEEDED, [step("code.right", guess="1")], attempt_id="used")
ELSEWHERE = kept(
    "code.begin", SUCCEEDED, [step("code.sent", by="sms", lives="600")], provider="sms"
)
REGISTERING = kept("registration.begin", SUCCEEDED, [step("code.sent", by="mail", lives="600")])


@pytest.mark.parametrize(
    ("attempt", "before", "says"),
    [
        (code(step("code.wrong", guess="3")), (), "the code is wrong (guess 3)"),
        (code(step("code.exhausted", guess="6")), (), "guessed at too often"),
        (code(step("code.raced", guess="1")), (), "had already been used"),
        (code(step("code.right", guess="1")), (), "had already been used"),
        (code(NONE), (), "no code had been asked for"),
        (code(NONE), (ELSEWHERE, REGISTERING), "no code had been asked for"),
        (code(NONE, seconds=600), (SENT,), "had expired: it is of 2027-01-15T08:00:00Z"),
        (code(NONE, seconds=590), (SENT,), "was gone before its time"),
        (code(NONE, seconds=900), (USED, SENT), "had already been used, by attempt used"),
        (code(NONE, seconds=900), (SENT, USED), "had expired"),
    ],
)
def test_what_became_of_a_code(attempt: Kept, before: Sequence[Kept], says: str) -> None:
    assert says in why(attempt, before)


@pytest.mark.parametrize(
    ("attempt", "says"),
    [
        (kept("oauth.complete", "INVALID_STATE", [], "no code_verifier"), "no code_verifier"),
        (kept("oauth.complete", "INVALID_STATE", [step("state.none")]), "no such state was made"),
        (
            kept(
                "oauth.complete",
                "PROVIDER_UNAVAILABLE",
                [step("provider.asked", provider="acme", phase="token")],
                "acme.example: ConnectTimeout",
            ),
            "acme, token: acme.example: ConnectTimeout; it did not answer",
        ),
        (
            kept(
                "oauth.complete",
                "PROVIDER_UNAVAILABLE",
                [step("plugin.failed", plugin="acme", call="userinfo", cause="KeyError")],
            ),
            "acme failed in userinfo: KeyError",
        ),
        (
            kept("secret.complete", "RATE_LIMITED", [], "secret"),
            "`identra limits show` tells for how long, with --peer 192.0.2.1",
        ),
        (kept("oauth.complete", "SIGN_UP_CLOSED"), 'auth.sign_up is "closed"'),
        (
            kept("registration.begin", "EMAIL_TAKEN", [step("decided", user="u7")]),
            "the address is that of user u7",
        ),
        (kept("registration.begin", "EMAIL_TAKEN", [], "by then"), "by then"),
        (
            kept(
                "registration.begin",
                "INVALID_ARGUMENT",
                [step("plugin.denied", plugin="pwned", hook="check_password")],
                "password",
            ),
            "not acceptable: password, by the plugin pwned",
        ),
        (kept("code.begin", "STORE_UNAVAILABLE", [], "redis: away"), "redis: away"),
        (kept("code.begin", SUCCEEDED, [step("code.rests")]), "one younger than a minute is live"),
        (
            kept(
                "oauth.complete",
                SUCCEEDED,
                [step("decided", does="enters links", user="u1", locks_out="u1")],
            ),
            "the identity is hers from now on; she had only claimed the address",
        ),
        (kept("oauth.bind", "LEFT", [], "the caller hung up"), "the caller hung up"),
        (kept("oauth.bind", "INTERNAL", [], "KeyError"), "KeyError"),
        (kept("oauth.bind", "BUSY"), "BUSY"),
    ],
)
def test_the_reason_for_anything_else(attempt: Kept, says: str) -> None:
    assert says in why(attempt, ())


@pytest.mark.parametrize("name", STEPS)
def test_a_step_without_its_facts_is_told_all_the_same(name: StepName) -> None:
    """An attempt may have been kept by another release."""
    assert written(step(name))
    assert written(step("step.of_the_next_release")) == ""  # type: ignore[arg-type]
