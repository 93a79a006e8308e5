"""A ledger beside the records, and what follows of both. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from typing import TYPE_CHECKING

from chaos.ledger import OPENING, Entry, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from chaos.records import Records


@dataclass(frozen=True)
class Terms:
    """What there was: `kills` of workers, so that a proxy lost its answer; a store that `forgets`.

    The longest that an answer may take, and one that waits for a provider, in seconds.
    """

    kills: bool = False
    forgets: bool = False
    longest: float = 5.0
    farthest: float = 10.0


@dataclass(frozen=True)
class Case:
    """What is to be judged."""

    entries: Sequence[Entry]
    records: Records
    terms: Terms = field(default_factory=Terms)

    def of(self, *acts: str) -> Iterator[Entry]:
        return (entry for entry in self.entries if entry.act in acts)

    @cached_property
    def opened(self) -> dict[str, Entry]:
        """The sessions that somebody was told of, by whom."""
        told = (entry for entry in self.of(*OPENING) if entry.acknowledged)
        return {entry.session: entry for entry in told}

    @cached_property
    def told(self) -> dict[str, set[str]]:
        """The users that anybody was told of, by what they are found by."""
        found: dict[str, set[str]] = defaultdict(set)
        for entry in self.opened.values():
            for finder in entry.finders:
                found[finder].add(entry.user)
        return found

    @cached_property
    def newest(self) -> dict[str, int]:
        """The newest generation that anybody was told of, by session."""
        found = dict.fromkeys(self.opened, 0)
        for entry in self.of("refresh"):
            if entry.acknowledged:
                found[entry.session] = max(found.get(entry.session, 0), entry.successor)
        return found

    @cached_property
    def refreshes(self) -> dict[tuple[str, int], list[Entry]]:
        """Those who showed one refresh token, whatever they were told."""
        found: dict[tuple[str, int], list[Entry]] = defaultdict(list)
        for entry in self.of("refresh"):
            found[entry.session, entry.generation].append(entry)
        return found

    @cached_property
    def _contested(self) -> dict[str, float]:
        """Sessions one of whose tokens was shown under two keys, and since when: that is theft."""
        found: dict[str, float] = {}
        for (session, _), shown in self.refreshes.items():
            first = {entry.key: entry.began for entry in reversed(shown)}
            if len(first) > 1:
                found[session] = min(found.get(session, inf), sorted(first.values())[1])
        return found

    @cached_property
    def _endings(self) -> dict[str, list[Entry]]:
        """Revocations that may have acted, by session or user."""
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in self.of("revoke", "revoke_all"):
            if entry.may_have_acted or self._was_asked_twice(entry):
                found[entry.session if entry.act == "revoke" else entry.user].append(entry)
        return found

    def _was_asked_twice(self, entry: Entry) -> bool:
        """Whether a proxy may have asked another node after the first had done it and was killed.

        It repeats what is idempotent (RFC 9110, 9.2.2), and the second node knows no such caller.
        """
        again = entry.act == "revoke_all" and entry.reason == "INVALID_TOKEN"
        return again and self.terms.kills

    def may_be_over(self, session: str, by: float = inf) -> bool:
        """Whether something that began before may have ended a session."""
        opened = self.opened.get(session)
        if self._contested.get(session, inf) < by:
            return True
        if any(entry.began < by for entry in self._endings.get(session, ())):
            return True
        return opened is not None and any(
            entry.began < by and opened.began < (entry.ended if entry.acknowledged else inf)
            for entry in self._endings.get(opened.user, ())
        )

    def must_be_over(self, session: str, at: float = inf) -> bool:
        """Whether somebody had been told by then that it is revoked."""
        opened = self.opened.get(session)
        acknowledged = [entry for entry in self._endings.get(session, ()) if entry.acknowledged]
        if opened is not None:
            acknowledged += [
                entry
                for entry in self._endings.get(opened.user, ())
                if entry.acknowledged and opened.ended < entry.began
            ]
        return any(entry.ended < at for entry in acknowledged)

    def shown_before(self, entry: Entry) -> bool:
        """Whether somebody had shown the same code or state."""
        return any(
            other is not entry and other.proof == entry.proof and other.began < entry.ended
            for other in self.of(*OPENING)
        )

    def unsure(self, *acts: str) -> Iterator[Entry]:
        return (entry for entry in self.of(*acts) if entry.outcome is Outcome.unknown)
