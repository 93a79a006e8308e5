"""Admitting somebody: judged outside, judged again inside one transaction, then let in."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from identra.asked import Arrival
from identra.db import Duplicate
from identra.errors import Denied, ProviderUnavailable, StoreUnavailable
from identra.limits import network_of
from identra.meter import UNMETERED
from identra.notices import Entered
from identra.sessions import Origin, holder_of
from identra.trail import about, step
from identra.tries import SUCCEEDED, counting_failure, method_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from identra.account import Caller
    from identra.challenges import Answered, Challenges
    from identra.db import Database
    from identra.events import Events
    from identra.hooks import Hooks
    from identra.limits import Limits
    from identra.linking import Decision, Known
    from identra.locales import Locale
    from identra.meter import Meter
    from identra.notices import Notices
    from identra.sessions import Opened, Sessions
    from identra.users import Users
    from identra.values import Assertion, Peer, TokenPair

TURNS: Final = 3
_BY_CODE: Final = ("otp",)


@dataclass(frozen=True, slots=True)
class Case:
    """What is to be admitted: the assertion, how it is judged, and what happens with it.

    `origin` makes the new session's origin of the user's id, and of the instant from which that
    counts by which she was known. `answered` is spent in the
    transaction, so that no challenge ever admits twice, and `also` runs there once the user is
    known. `known` reads who is meant where the assertion itself does not say. `caller` is whose
    live session came along, and must still be live when it counts; `counts_from` the instant from
    which what it adds counts as re-authentication, at once where it is None. `sets_secret` says
    what `also` does.
    """

    assertion: Assertion
    judge: Callable[[Known], Decision]
    origin: Callable[[str, int | None], Origin]
    answered: Answered | None = None
    caller: Caller | None = None
    known: Callable[[], Awaitable[Known]] | None = None
    also: Callable[[str], Awaitable[None]] | None = None
    counts_from: int | None = None
    sets_secret: bool = False

    @property
    def locale(self) -> Locale | None:
        """The language in which she asked for the code that she answered."""
        return self.answered.locale if self.answered else None


class _DecisionChangedError(Exception):
    """Between the two judgements somebody was quicker; the case starts over."""


class Admission:
    """The one place where a session is opened."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through, each by name
        self,
        *,
        db: Database,
        users: Users,
        sessions: Sessions,
        challenges: Challenges,
        events: Events,
        notices: Notices,
        hooks: Hooks,
        limits: Limits,
        secrets: tuple[str, ...],
        meter: Meter = UNMETERED,
    ) -> None:
        self._db = db
        self._users = users
        self._sessions = sessions
        self._challenges = challenges
        self._events = events
        self._notices = notices
        self._meter = meter
        self._hooks = hooks
        self._limits = limits
        self._secrets = secrets

    async def admit(self, case: Case, peer: Peer) -> TokenPair:
        """Judge, ask plugins, then in one transaction judge again and apply; commit; tell; mint.

        Raises the decision's refusal, Denied, the challenge's own error if it was spent before,
        InvalidToken if the caller's session ended meanwhile, ProviderUnavailable for a required
        plugin that fails, and StoreUnavailable, also if three turns were each overtaken. After
        the last two a code may be answered again, unless it was spent.
        """
        way = case.assertion.provider, method_of(case.assertion.amr)
        with counting_failure(self._meter, *way):
            try:
                pair = await self._admit(case, peer)
            except (StoreUnavailable, ProviderUnavailable):
                if case.answered:
                    await self._challenges.give_back(case.answered)
                raise
        self._meter.login(*way, SUCCEEDED)
        return pair

    async def _admit(self, case: Case, peer: Peer) -> TokenPair:
        asked: Arrival | None = None
        for _ in range(TURNS):
            decision = await self._judge(case)
            asked = await self._ask(case, decision, peer, asked)
            strange = await self._notices.is_strange(decision.user_id, peer)
            untouched = await self._is_untouched(decision)
            try:
                opened = await self._db.transact(partial(self._apply, case, decision, peer))
            except (Duplicate, _DecisionChangedError):
                step("overtaken")
                continue
            about(user_id=opened.origin.user_id)
            step("session.opened", user=opened.origin.user_id, session=opened.session_id)
            await self._wake(case.assertion, peer)
            entered = Entered(
                decision,
                case.assertion,
                opened.origin.user_id,
                peer,
                secret_set=case.sets_secret,
                strange=strange,
                untouched=untouched,
            )
            await self._notices.after(entered)
            return await self._pair(opened)
        raise StoreUnavailable("overtaken three times", retry_after=1)

    async def _judge(self, case: Case) -> Decision:
        known = await self._known(case)
        decision = case.judge(known)
        _note(decision, known)
        if decision.refusal:
            raise decision.refusal(f"{case.assertion.provider}: by the linking table")
        return decision

    async def _ask(
        self, case: Case, decision: Decision, peer: Peer, asked: Arrival | None
    ) -> Arrival | None:
        """Ask the plugins about an arrival, unless it is just as when they were asked before."""
        if not self._hooks.has("admit"):
            return None
        arrival = await self._arrival(case.assertion, decision, peer)
        if arrival != asked and (denial := await self._hooks.admit(arrival)):
            with suppress(StoreUnavailable):  # that it can't be told changes nothing
                await self._events.record(
                    "login.refused",
                    user_id=arrival.user_id,
                    peer=peer,
                    provider=arrival.provider,
                    plugin=denial.plugin,
                )
            raise Denied(f"by plugin {denial.plugin}", says=denial.says)
        return arrival

    async def _wake(self, assertion: Assertion, peer: Peer) -> None:
        """A secret that rested for its failures may be tried again: the address is proved again."""
        if assertion.address and assertion.amr == _BY_CODE:
            with suppress(StoreUnavailable):  # she is in all the same
                for provider in self._secrets:
                    await self._limits.wake(f"{provider}:{assertion.address}", peer)

    async def _arrival(self, assertion: Assertion, decision: Decision, peer: Peer) -> Arrival:
        user_id = decision.user_id
        user = await self._users.user(user_id) if user_id else None
        hers = [own.email for own in user.addresses if own.proved_at is not None] if user else []
        now = [assertion.address] if assertion.address and decision.prove else []
        proved = {*hers, *now}
        return Arrival(
            provider=assertion.provider,
            amr=assertion.amr,
            user_id=user_id,
            addresses=tuple(sorted(proved)),
            network=network_of(peer) or "",
        )

    async def _is_untouched(self, decision: Decision) -> bool:
        """Whether she comes into an account that was made for her, and that nobody was ever in."""
        if decision.user_id is None or decision.lock_out != decision.user_id:
            return False
        user = await self._users.user(decision.user_id)
        return user is not None and user.untouched

    async def _pair(self, opened: Opened) -> TokenPair:
        if not self._hooks.has("claims"):
            return self._sessions.pair(opened)
        holder = holder_of(opened.session_id, opened.origin)
        try:
            return self._sessions.pair(opened, await self._hooks.claims(holder))
        except ProviderUnavailable:
            await self._sessions.revoke(holder.session_id, "unanswered", user_id=holder.user_id)
            raise

    async def _known(self, case: Case) -> Known:
        if case.caller:
            await self._sessions.alive(case.caller.session_id, case.caller.user_id)
        if case.known:
            return await case.known()
        live = case.caller.user_id if case.caller else None
        return await self._users.known(case.assertion, live)

    async def _apply(self, case: Case, decision: Decision, peer: Peer) -> Opened:
        await self._hold(decision, case)
        known = await self._known(case)
        if case.judge(known) != decision:
            raise _DecisionChangedError
        if case.answered:
            await self._challenges.mark_spent(case.answered)
        # What comes in by something that does not count yet counts no sooner.
        counts_from = max(case.counts_from or 0, known.counts_from or 0) or None
        user_id = await self._users.apply(decision, case.assertion, counts_from)
        if decision.lock_out:
            await self._sessions.revoke_all(decision.lock_out, "claim_lost")
        if decision.user_id is None:
            await self._users.enter(user_id, case.assertion.at, case.locale or peer.locale)
        if case.also:
            await case.also(user_id)
        origin = case.origin(user_id, known.counts_from)
        opened = await self._sessions.open(origin, peer, at=known.at)
        await self._events.record(
            "login.succeeded", user_id=user_id, peer=peer, provider=case.assertion.provider
        )
        return opened

    async def _hold(self, decision: Decision, case: Case) -> None:
        """Write the rows of those concerned first: whoever disables them now waits for us.

        In one order for all, so that no two wait for each other.
        """
        for user_id in sorted({decision.user_id or "", decision.lock_out or ""} - {""}):
            if user_id != decision.user_id:
                await self._users.touch(user_id)
            elif not await self._users.enter(user_id, case.assertion.at, case.locale):
                raise _DecisionChangedError


def _note(decision: Decision, known: Known) -> None:
    """What is decided about whom, for whoever may know."""
    met = known.identity or known.owner or known.claimant
    about(user_id=met.user_id if met and decision.refusal else decision.user_id)
    step(
        "decided",
        does=decision.does,
        user=met.user_id if met else "",
        met="identity" if known.identity else "address" if met else "",
        unclaims=decision.unclaim or "",
        locks_out=decision.lock_out or "",
    )


def origin_of(assertion: Assertion) -> Callable[[str, int | None], Origin]:
    """The origin of a session opened by this assertion itself."""

    def opened(user_id: str, counts_from: int | None) -> Origin:
        return Origin(user_id, assertion.at, assertion.amr, assertion.provider, counts_from)

    return opened
