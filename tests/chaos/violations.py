"""Holds a ledger against the records: what was promised and is not so. Pure.

What is acknowledged is there, what is refused is not, what is unknown is there wholly or not at
all; and nobody has two users, a session has one line of tokens, what is revoked stays revoked.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from chaos.ledger import OPENING, Entry, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from chaos.case import Case

UNAVAILABLE: Final = frozenset({"STORE_UNAVAILABLE", "BUSY", "PROVIDER_UNAVAILABLE"})
LOST: Final = frozenset({"GATEWAY", "CONNECTION"})
"""No answer of the service's own."""
SPENT: Final = frozenset({"INVALID_CODE", "INVALID_STATE", "PROVIDER_REFUSED"})
DISTANT: Final = frozenset({"begin", "oauth", "bind"})
"""Acts that may wait for a provider."""


@dataclass(frozen=True)
class Violation:
    """A rule that does not hold, and where."""

    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


def judge(case: Case) -> list[Violation]:
    """All that is not as it was promised."""
    return [Violation(rule.__name__, what) for rule in RULES for what in dict.fromkeys(rule(case))]


def acknowledged_is_lost(case: Case) -> Iterator[str]:
    """A user, an address, an identity or a password that somebody was told of is not there."""
    for entry in case.opened.values():
        if entry.user not in case.records.users:
            yield f"user {entry.user} of {_told(entry)}"
        for finder in entry.finders:
            if entry.user not in case.records.owners.get(finder, ()):
                yield f"{finder} does not lead to {entry.user} of {_told(entry)}"
        if entry.act == "confirm" and not case.records.secrets.get(entry.user):
            yield f"no password of {entry.user}, {_told(entry)}"
    for finder, user in case.records.signed_in.items():
        if user not in case.told[finder]:
            yield f"{finder} signs in as {user or 'nobody'}"


def two_users_for_one(case: Case) -> Iterator[str]:
    """An address or an identity leads to two users, now or by what was told."""
    for finder, owners in case.records.owners.items():
        if len(owners) > 1:
            yield f"{finder} leads to {' and '.join(owners)}"
    for finder, users in case.told.items():
        if len(users) > 1:
            yield f"of {finder} was told {' and '.join(sorted(users))}"


def nobody_asked_for_it(case: Case) -> Iterator[str]:
    """Something is there whose every asking was refused, or which nobody asked for."""
    makers = [entry for entry in case.of(*OPENING) if entry.may_have_acted]
    asked = {finder for entry in makers if entry.act != "password" for finder in entry.finders}
    yield from (finder for finder in case.records.owners if finder not in asked)
    confirming = (entry for entry in makers if entry.act == "confirm")
    confirmed = {user for entry in confirming for user in _of(case, entry)}
    yield from (f"a password of {user}" for user in case.records.secrets if user not in confirmed)
    untold = Counter(
        row.user for name, row in case.records.sessions.items() if name not in case.opened
    )
    unsure = Counter(user for entry in case.unsure(*OPENING) for user in _of(case, entry))
    for user, found in untold.items():
        if found > unsure[user]:
            yield f"{found} sessions of {user}, {unsure[user]} of unknown outcome"


def half_is_there(case: Case) -> Iterator[str]:
    """A user nothing leads to, rows of nobody, or what happened without a record of it."""
    records = case.records
    owned = {owner for owners in records.owners.values() for owner in owners}
    yield from (f"nothing leads to user {user}" for user in records.users - owned)
    held = {**dict.fromkeys(owned), **dict.fromkeys(records.secrets)}
    held |= {row.user: None for row in records.sessions.values()}
    yield from (f"rows of {user}, who is not there" for user in held if user not in records.users)
    theft = [row for row in records.sessions.values() if row.revoked_for == "theft"]
    revoked = [row for row in records.sessions.values() if row.revoked_for]
    happened = {
        "user.created": len(records.users),
        "login.succeeded": len(records.sessions),
        "session.theft": len(theft),
        "session.revoked": len(revoked) - len(theft),
    }
    for name, count in happened.items():
        if records.events.get(name, 0) != count:
            yield f"{count} times {name}, {records.events.get(name, 0)} on record"


def session_is_lost(case: Case) -> Iterator[str]:
    """A session that nobody ended is not live, or its newest token is not good."""
    for name, opened in case.opened.items():
        if case.may_be_over(name):
            continue
        row, tried = case.records.sessions.get(name), case.records.tried.get(name)
        if row is None or row.user != opened.user or row.revoked_for:
            yield f"{name} of {_told(opened)}: {row}"
        elif tried and not tried.alive:
            yield f"{name} of {_told(opened)}: its access token is refused"
        elif tried and case.newest[name] not in tried.advanced:
            yield f"{name} of {_told(opened)}: generation {case.newest[name]} is refused"


def revocation_is_undone(case: Case) -> Iterator[str]:
    """A session that somebody was told is revoked is live, or was used after that."""
    for name in case.opened:
        if not case.must_be_over(name):
            continue
        row, tried = case.records.sessions.get(name), case.records.tried.get(name)
        if row and not row.revoked_for:
            yield f"{name} is not revoked"
        if tried and (tried.alive or tried.advanced):
            yield f"{name} goes on: {tried}"
    for entry in case.of("refresh", "info"):
        if entry.acknowledged and case.must_be_over(entry.session, entry.began):
            yield f"{entry.session} after its end: {_told(entry)}"


def revoked_by_nobody(case: Case) -> Iterator[str]:
    """A session is revoked, which nobody asked for, and of which no token was shown twice."""
    for name, row in case.records.sessions.items():
        if row.revoked_for and name in case.opened and not case.may_be_over(name):
            yield f"{name}, {row.revoked_for}"


def spent_twice(case: Case) -> Iterator[str]:
    """A refresh token, a code or a state was good for two."""
    for (session, generation), shown in case.refreshes.items():
        keys = {entry.key for entry in shown if entry.acknowledged}
        if len(keys) > 1:
            yield f"generation {generation} of {session}: {len(keys)} keys"
    proofs = Counter(entry.proof for entry in case.opened.values() if entry.proof)
    yield from (f"{proof} by {count}" for proof, count in proofs.items() if count > 1)


def two_tokens_advance(case: Case) -> Iterator[str]:
    """A session has two lines of tokens, or has advanced more often than anybody asked."""
    for name, tried in case.records.tried.items():
        if len(tried.advanced) > 1:
            yield f"{name}: generations {tried.advanced}"
    asked = Counter(
        session
        for (session, _), shown in case.refreshes.items()
        if any(entry.may_have_acted for entry in shown)
    )
    for name, row in case.records.sessions.items():
        if not case.newest.get(name, 0) <= row.generation <= asked[name]:
            yield (
                f"{name} is at {row.generation}, told of {case.newest.get(name, 0)},"
                f" asked {asked[name]} times"
            )
    for entry in case.of("refresh"):
        if entry.acknowledged and entry.successor != entry.generation + 1:
            yield f"{entry.session}: {entry.successor} for {entry.generation}"


def wrongly_refused(case: Case) -> Iterator[str]:
    """A refusal that nothing explains."""
    for entry in case.entries:
        if entry.outcome is Outcome.refused and not _is_right(case, entry):
            yield f"{entry.reason} of {_told(entry)}"


def no_clean_answer(case: Case) -> Iterator[str]:
    """Neither an answer of the right kind nor UNAVAILABLE, or one that came late."""
    clean = UNAVAILABLE | (LOST if case.terms.kills else frozenset())
    for entry in case.unsure(*{entry.act for entry in case.entries}):
        if entry.reason not in clean:
            yield f"{entry.reason} of {_told(entry)}"
    for entry in case.entries:
        longest = case.terms.farthest if entry.act in DISTANT else case.terms.longest
        if entry.ended - entry.began > longest:
            yield f"after {entry.ended - entry.began:.1f} s: {_told(entry)}"


def not_verifiable(case: Case) -> Iterator[str]:
    """An access token by a key that is not published."""
    for entry in case.entries:
        if entry.kid and entry.kid not in case.records.published:
            yield f"key {entry.kid} of {_told(entry)}"


RULES: Final[tuple[Callable[[Case], Iterator[str]], ...]] = (
    acknowledged_is_lost,
    two_users_for_one,
    nobody_asked_for_it,
    half_is_there,
    session_is_lost,
    revocation_is_undone,
    revoked_by_nobody,
    spent_twice,
    two_tokens_advance,
    wrongly_refused,
    no_clean_answer,
    not_verifiable,
)


def _is_right(case: Case, entry: Entry) -> bool:
    """Whether a refusal follows from what was asked before."""
    if entry.reason in UNAVAILABLE:
        return True
    if entry.reason in SPENT:
        return case.terms.forgets or case.shown_before(entry)
    if entry.reason in {"INVALID_TOKEN", "INVALID_REFRESH_TOKEN"}:
        return bool(entry.session) and case.may_be_over(entry.session, entry.ended)
    return False


def _of(case: Case, entry: Entry) -> set[str]:
    """The users whom an act was about, as the records know them."""
    return {user for finder in entry.finders for user in case.records.owners.get(finder, ())}


def _told(entry: Entry) -> str:
    about = " ".join(filter(None, (*entry.finders, entry.user, entry.says)))
    return f"{entry.act} by {entry.door} at {entry.began:.2f} {about}".strip()
