"""What is done to a user, each inside the caller's transaction, which holds her row from there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from identra.errors import NotFound, StoreUnavailable
from identra.linking import Decision, decide_address, decide_invitation
from identra.values import Assertion

if TYPE_CHECKING:
    from identra.events import Events
    from identra.locales import Locale
    from identra.sessions import Ending
    from identra.users import Departures, User, Users
    from identra.values import Clock
    from identra.ways import Ways

PASSWORD: Final = "password"  # noqa: S105 - a provider's name, no secret
OPERATOR: Final = "operator"
"""Who acts at the command line; and in whose name addresses are proved."""


@dataclass(frozen=True, slots=True)
class Proof:
    """An address was proved by hand: of the user as she was before it, and what was decided.

    `locked_out`: the password and the sessions that she had are gone.
    """

    user: User
    decision: Decision
    locked_out: bool


@dataclass(frozen=True, slots=True)
class Leaving:
    """A user as she was, when she will be gone (µs), and whether that stood already."""

    user: User
    leaves_at: int
    asked: bool


class Acts:
    """Each gives the user as she was before it, where that says more than the row does now.

    All raise NotFound for one who is not there. `grace` is in microseconds.
    """

    def __init__(  # noqa: PLR0913 - the rooms it walks through
        self,
        users: Users,
        sessions: Ending,
        departures: Departures,
        events: Events,
        clock: Clock,
        *,
        grace: int,
    ) -> None:
        self._users = users
        self._sessions = sessions
        self._departures = departures
        self._events = events
        self._clock = clock
        self._grace = grace

    async def make(self, decision: Decision, spelled: str, *, hashed: str | None, by: str) -> str:
        """Make a user with an address, and a password where there is a hash; her id.

        Raises Duplicate where somebody has the address.
        """
        user_id = await self._users.apply(decision, self._said(spelled), by=by)
        if hashed:
            await self._users.set_secret(user_id, PASSWORD, hashed, by=by)
        return user_id

    async def invite(self, spelled: str, *, by: str, locale: Locale | None) -> str:
        """Make a user who claims the address, or find her whom it awaits; her id.

        Raises EmailTaken, and Duplicate where somebody was quicker.
        """
        decision = await self._judge_invitation(spelled)
        user_id = await self._users.apply(decision, self._said(spelled), by=by)
        if locale:
            await self._users.speak(user_id, locale)
        await self._events.record("user.invited", user_id=user_id, by=by)
        return user_id

    async def prove(self, user_id: str, spelled: str, *, by: str, keep: bool) -> Proof:
        """Have an address be hers and proved, by the linking table.

        Password and sessions of one who had nothing proved end, unless she is to `keep` them.
        Raises EmailTaken, Duplicate where somebody was quicker, StoreUnavailable where one is.
        """
        holder = await self._users.find(spelled)
        for held in sorted({user_id, holder or user_id}):  # so that no two wait for each other
            await self._users.touch(held)
        user = await self._held(user_id)
        decision = decide_address(await self._users.known_address(spelled), user_id)
        if decision.refusal:
            raise decision.refusal("proved by hand")
        if decision.unclaim not in {None, holder}:
            raise StoreUnavailable("overtaken", retry_after=1)
        locks_out = decision.prove and not (keep or user.proved or user.identities)
        if decision.prove:
            await self._users.apply(decision, self._said(spelled), by=by)
        if decision.lock_out:
            await self._sessions.revoke_all(decision.lock_out, "claim_lost", by=by)
        if locks_out:
            await self._users.drop_secrets(user_id)
            await self._sessions.revoke_all(user_id, "claim_lost", by=by)
        return Proof(user, decision, locks_out)

    async def unlink(self, user_id: str, *, provider: str, by: str, ways: Ways) -> User:
        """Remove her identities at a provider. Raises NotFound, LastLoginMethod."""
        user = await self._held(user_id)
        left = tuple(one for one in user.identities if one.provider != provider)
        if len(left) == len(user.identities):
            raise NotFound("no identity of hers at that provider")
        ways.demand(replace(user, identities=left))
        await self._users.unlink(user_id, provider, by=by)
        return user

    async def shut_out(self, user_id: str, *, reason: str, by: str) -> User:
        """Disable her, and end her sessions."""
        user = await self._held(user_id)
        await self._users.disable(user_id, reason, by=by)
        await self._sessions.revoke_all(user_id, "disabled", by=by)
        return user

    async def let_in(self, user_id: str, *, by: str) -> bool:
        """Enable her; whether she was disabled."""
        await self._held(user_id)
        return await self._users.enable(user_id, by=by)

    async def have_leave(self, user_id: str, *, now: bool, by: str) -> Leaving:
        """Disable her, end her sessions, and note when she is gone; no later than before."""
        user = await self._held(user_id)
        at = self._clock()
        asked = await self._departures.leaves_at(user_id)
        leaves_at = at if now else asked or at + self._grace
        await self._departures.begin(user_id, at=at, leaves_at=leaves_at, by=by)
        await self._sessions.revoke_all(user_id, "disabled", by=by)
        return Leaving(user, leaves_at, asked is not None)

    async def require_password(self, user_id: str, *, by: str) -> User:
        """Let her password open nothing until she sets another, where she has one."""
        user = await self._held(user_id)
        await self._users.require_change(user_id, PASSWORD, by=by)
        return user

    async def end_sessions(self, user_id: str, *, by: str) -> int:
        """End all of her sessions; how many there were."""
        await self._held(user_id)
        return await self._sessions.revoke_all(user_id, "operator", by=by)

    async def _judge_invitation(self, spelled: str) -> Decision:
        holder = await self._users.find(spelled)
        user = await self._held(holder) if holder else None
        known = await self._users.known_address(spelled)
        decision = decide_invitation(known, untouched=user is not None and user.untouched)
        if decision.refusal:
            raise decision.refusal("an invitation")
        return decision

    async def _held(self, user_id: str) -> User:
        """She as she is: whoever comes in, or acts upon her, waits from now on."""
        user = await self._users.user(user_id) if await self._users.touch(user_id) else None
        if user is None:
            raise NotFound(f"no user {user_id}")
        return user

    def _said(self, spelled: str) -> Assertion:
        return Assertion(OPERATOR, None, spelled, (), self._clock())
