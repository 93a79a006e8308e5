"""The checker of the fault harness finds each violation that is planted, and no other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from chaos.case import Case, Terms
from chaos.ledger import Entry, Outcome
from chaos.records import Records, Row, Tried
from chaos.violations import RULES, judge

if TYPE_CHECKING:
    from collections.abc import Callable

    from chaos.ledger import Act

ADA, BEA = "mail:ada@example.com", "github:7"
DONE, REFUSED, UNKNOWN = Outcome.acknowledged, Outcome.refused, Outcome.unknown


def entry(act: Act, at: float, outcome: Outcome = DONE, **more: Any) -> Entry:
    return Entry(act, outcome, at, at + 0.5, **more)


CONFIRM = entry("confirm", 1, finders=(ADA,), proof="1", user="ada", session="s1", kid="k")
LOGIN = entry("password", 2, finders=(ADA,), user="ada", session="s2", kid="k")
OAUTH = entry("oauth", 3, finders=(BEA,), proof="2", user="bea", session="s3", kid="k")
FIRST = entry("refresh", 4, session="s2", generation=0, successor=1, key="a", user="ada")
LOST = entry("refresh", 5, UNKNOWN, session="s2", generation=1, key="b", reason="STORE_UNAVAILABLE")
AGAIN = entry("refresh", 6, session="s2", generation=1, successor=2, key="b", user="ada")
LOST_CODE = entry("code", 7, UNKNOWN, finders=(ADA,), proof="3", reason="STORE_UNAVAILABLE")
SPENT_CODE = entry("code", 8, REFUSED, finders=(ADA,), proof="3", reason="INVALID_CODE")
REVOKE = entry("revoke", 9, session="s1", user="ada")
INFO = entry("info", 10, session="s2", user="ada")
OVER = entry("info", 11, REFUSED, session="s1", reason="INVALID_TOKEN")
ALL = entry("revoke_all", 12, session="s3", user="bea")
TOLD = (CONFIRM, LOGIN, OAUTH, FIRST, LOST, AGAIN, LOST_CODE, SPENT_CODE, REVOKE, INFO, OVER, ALL)
OVER_AND_OUT = Tried(alive=False, advanced=())

SOUND = Records(
    users=frozenset({"ada", "bea"}),
    owners={ADA: ("ada",), BEA: ("bea",)},
    secrets={"ada": 1},
    sessions={
        "s1": Row("ada", 0, "asked"),
        "s2": Row("ada", 2),
        "s3": Row("bea", 0, "asked"),
        "untold": Row("ada"),
    },
    events={"user.created": 2, "login.succeeded": 4, "session.revoked": 2},
    tried={"s1": OVER_AND_OUT, "s2": Tried(advanced=(2,)), "s3": OVER_AND_OUT},
    signed_in={ADA: "ada"},
    published=frozenset({"k"}),
)


def rules(case: Case) -> set[str]:
    return {violation.rule for violation in judge(case)}


def put(records: Records, field: str, **changed: Any) -> Records:
    """The records with some rows of a table changed; None takes one away."""
    rows = {**getattr(records, field), **changed}
    return replace(records, **{field: {k: v for k, v in rows.items() if v is not None}})


def test_what_was_kept_is_no_violation() -> None:
    assert judge(Case(TOLD, SOUND)) == []


def test_what_is_unknown_may_be_absent() -> None:
    absent = put(put(SOUND, "sessions", untold=None), "events", **{"login.succeeded": 3})
    assert judge(Case(TOLD, absent)) == []


def with_rows(field: str, **changed: Any) -> Callable[[], Case]:
    return lambda: Case(TOLD, put(SOUND, field, **changed))


def with_entries(*more: Entry, **terms: Any) -> Callable[[], Case]:
    return lambda: Case((*TOLD, *more), SOUND, Terms(**terms))


def a_lost_registration() -> Case:
    """Nothing at all is left of it, as if it had been acknowledged before its commit."""
    records = put(put(SOUND, "owners", **{ADA: None}), "secrets", ada=None)
    records = replace(records, users=frozenset({"bea"}), signed_in={ADA: ""})
    return Case(TOLD, records)


def somebody_twice() -> Case:
    records = put(SOUND, "owners", **{ADA: ("ada", "ada-again")})
    return Case(TOLD, replace(records, users=SOUND.users | {"ada-again"}))


def twice_by_what_was_told() -> Case:
    other = entry("code", 8, finders=(ADA,), proof="4", user="other", session="s4")
    return Case((*TOLD, other), SOUND)


PLANTED: dict[str, tuple[str, Callable[[], Case]]] = {
    "a registration": ("acknowledged_is_lost", a_lost_registration),
    "a password": ("acknowledged_is_lost", with_rows("secrets", ada=None)),
    "a binding": (
        "acknowledged_is_lost",
        with_entries(entry("bind", 9, finders=("github:8",), user="ada", session="s2")),
    ),
    "a password that is another's": (
        "acknowledged_is_lost",
        with_rows("signed_in", **{ADA: "bea"}),
    ),
    "one address, two users": ("two_users_for_one", somebody_twice),
    "one address, two users told": ("two_users_for_one", twice_by_what_was_told),
    "a refused address": ("nobody_asked_for_it", with_rows("owners", **{"mail:eve": ("ada",)})),
    "a refused password": ("nobody_asked_for_it", with_rows("secrets", bea=1)),
    "a refused session": ("nobody_asked_for_it", with_rows("sessions", more=Row("bea"))),
    "one session too many": ("nobody_asked_for_it", with_rows("sessions", more=Row("ada"))),
    "a stray user": (
        "half_is_there",
        lambda: Case(TOLD, replace(SOUND, users=SOUND.users | {"stray"})),
    ),
    "rows of nobody": ("half_is_there", with_rows("owners", **{"mail:eve": ("nobody",)})),
    "an event too few": ("half_is_there", with_rows("events", **{"login.succeeded": 3})),
    "a missing session": ("session_is_lost", with_rows("sessions", s2=None)),
    "a session of another": ("session_is_lost", with_rows("sessions", s2=Row("bea", 2))),
    "an access token": ("session_is_lost", with_rows("tried", s2=Tried(False, (2,)))),
    "a refresh token": ("session_is_lost", with_rows("tried", s2=Tried(True, (1,)))),
    "a live revoked session": ("revocation_is_undone", with_rows("sessions", s1=Row("ada"))),
    "a live session of all": ("revocation_is_undone", with_rows("sessions", s3=Row("bea"))),
    "a revoked one that goes on": ("revocation_is_undone", with_rows("tried", s1=Tried())),
    "one used after its end": (
        "revocation_is_undone",
        with_entries(entry("info", 11, session="s1", user="ada")),
    ),
    "an end without a cause": ("revoked_by_nobody", with_rows("sessions", s2=Row("ada", 2, "?"))),
    "two keys for one token": (
        "spent_twice",
        with_entries(entry("refresh", 4, session="s2", generation=0, successor=1, key="z")),
    ),
    "a code for two": (
        "spent_twice",
        with_entries(
            entry("code", 8, finders=(ADA,), proof="1", user="ada", session="s2", kid="k")
        ),
    ),
    "two tokens that advance": ("two_tokens_advance", with_rows("tried", s2=Tried(True, (2, 1)))),
    "a generation nobody asked for": (
        "two_tokens_advance",
        with_rows("sessions", s2=Row("ada", 3)),
    ),
    "a generation that was taken back": (
        "two_tokens_advance",
        with_rows("sessions", s2=Row("ada", 1)),
    ),
    "a wrong refusal": (
        "wrongly_refused",
        with_entries(entry("password", 13, REFUSED, finders=(ADA,), reason="INVALID_CREDENTIALS")),
    ),
    "a live session refused": (
        "wrongly_refused",
        with_entries(entry("info", 13, REFUSED, session="s2", reason="INVALID_TOKEN")),
    ),
    "a right code refused": (
        "wrongly_refused",
        with_entries(entry("code", 13, REFUSED, proof="9", reason="INVALID_CODE")),
    ),
    "an internal error": (
        "no_clean_answer",
        with_entries(entry("keys", 13, UNKNOWN, reason="INTERNAL")),
    ),
    "a lost connection": (
        "no_clean_answer",
        with_entries(entry("keys", 13, UNKNOWN, reason="CONNECTION")),
    ),
    "a late answer": ("no_clean_answer", with_entries(Entry("keys", DONE, 13, 19))),
    "a key nobody publishes": (
        "not_verifiable",
        with_entries(entry("info", 13, session="s2", user="ada", kid="x")),
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_is_found(name: str) -> None:
    rule, plant = PLANTED[name]
    assert rule in rules(plant())


def test_every_rule_is_broken_by_something_planted() -> None:
    assert {rule for rule, _ in PLANTED.values()} == {rule.__name__ for rule in RULES}


@pytest.mark.parametrize(
    "case",
    [
        with_entries(entry("code", 13, REFUSED, proof="9", reason="INVALID_CODE"), forgets=True),
        with_entries(entry("keys", 13, UNKNOWN, reason="CONNECTION"), kills=True),
        with_entries(entry("password", 13, REFUSED, finders=(ADA,), reason="BUSY")),
        with_entries(Entry("begin", DONE, 13, 19)),
    ],
    ids=["a forgotten code", "a killed worker", "busy", "a slow provider"],
)
def test_what_there_is_a_reason_for_is_no_violation(case: Callable[[], Case]) -> None:
    assert judge(case()) == []


def test_all_sessions_may_have_been_ended_by_the_first_of_two_nodes_asked() -> None:
    """A proxy asks the second when the first is killed, and that one no longer knows the caller."""
    refused = entry("revoke_all", 12, REFUSED, session="s2", user="ada", reason="INVALID_TOKEN")
    records = put(put(SOUND, "sessions", s2=Row("ada", 2, "asked")), "tried", s2=OVER_AND_OUT)
    records = put(records, "events", **{"session.revoked": 3})
    assert judge(Case((*TOLD, refused), records, Terms(kills=True))) == []
    assert rules(Case((*TOLD, refused), records)) == {
        "revoked_by_nobody",
        "session_is_lost",
        "wrongly_refused",
    }


def test_one_token_under_two_keys_is_theft_and_may_end_the_session() -> None:
    """From then on: what was refused before that has no such reason."""
    race = (
        entry("refresh", 13, session="s2", generation=2, successor=3, key="x"),
        entry(
            "refresh", 13.1, REFUSED, session="s2", generation=2, key="y",
            reason="INVALID_REFRESH_TOKEN",
        ),
    )  # fmt: skip
    records = put(SOUND, "sessions", s2=Row("ada", 3, "theft"))
    records = put(put(records, "tried", s2=OVER_AND_OUT), "events", **{"session.theft": 1})
    assert judge(Case((*TOLD, *race), records)) == []
    before = entry("info", 12, REFUSED, session="s2", reason="INVALID_TOKEN")
    assert rules(Case((*TOLD, before, *race), records)) == {"wrongly_refused"}
