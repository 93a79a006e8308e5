"""What operators do to users, from the command line; every change is on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from identra import address
from identra.db import Duplicate
from identra.dossier import ALL
from identra.errors import EmailTaken, NotFound
from identra.hashing import Asking
from identra.linking import Decision
from identra.values import Assertion

if TYPE_CHECKING:
    from identra.acceptance import Acceptance
    from identra.db import Database
    from identra.dossier import Dossier
    from identra.hashing import Hashing
    from identra.loader import Providers
    from identra.sessions import Ending
    from identra.users import Departures, User, Users
    from identra.values import Clock

PASSWORD: Final = "password"  # noqa: S105 - a provider's name, no secret
OPERATOR: Final = "operator"


class Office:
    """Find, make, shut out and let in. `who` is a user id or an address."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through, each by name
        self,
        *,
        db: Database,
        providers: Providers,
        users: Users,
        sessions: Ending,
        departures: Departures,
        dossier: Dossier,
        hashing: Hashing,
        clock: Clock,
        acceptance: Acceptance,
        grace: int,
    ) -> None:
        self._db = db
        self._providers = providers
        self._users = users
        self._sessions = sessions
        self._departures = departures
        self._dossier = dossier
        self._grace = grace
        self._hashing = hashing
        self._clock = clock
        self._acceptance = acceptance

    async def list(self, *, limit: int, after: str) -> tuple[User, ...]:
        """A page of users in the order of their making."""
        ids = await self._users.list(limit=limit, after=after)
        found = [await self._users.user(user_id) for user_id in ids]
        return tuple(user for user in found if user)

    async def show(self, who: str) -> User:
        """One user. Raises NotFound."""
        user_id = await self._users.find(address.spell(who)) if "@" in who else who
        user = await self._users.user(user_id) if user_id else None
        if user is None:
            raise NotFound(f"no user {who}")
        return user

    async def create(self, email: str, password: str | None, *, proved: bool) -> str:
        """Make a user; her id. Raises EmailTaken, InvalidArgument."""
        spelled = address.spell(email)
        hashed = await self._hash(password, spelled) if password else None
        assertion = Assertion(OPERATOR, None, spelled, (), self._clock())
        try:
            return await self._db.transact(lambda: self._insert(assertion, hashed, proved=proved))
        except Duplicate as taken:
            raise EmailTaken(spelled) from taken

    async def disable(self, who: str, reason: str) -> bool:
        """Shut a user out and end her sessions; whether she was not out already."""
        user = await self.show(who)
        return await self._db.transact(lambda: self._shut_out(user.user_id, reason))

    async def enable(self, who: str) -> bool:
        """Let a user in again; whether she was out."""
        user = await self.show(who)
        return await self._db.transact(lambda: self._users.enable(user.user_id))

    async def delete(self, who: str, *, now: bool) -> int | None:
        """Have a user leave, with the time of grace or `now`; when she will be gone (µs).

        None for a user who is gone. One who is about to leave leaves no later for it.
        """
        user = await self.show(who)
        leaves_at = await self._db.transact(lambda: self._leave(user.user_id, now=now))
        if not now:
            return leaves_at
        await self._departures.remove(user.user_id)
        return None

    async def leaves_at(self, user_id: str) -> int | None:
        """When a user will be gone, if she is about to (µs)."""
        return await self._departures.leaves_at(user_id)

    async def export(self, who: str) -> dict[str, Any]:
        """Everything that is held about a user. Raises NotFound."""
        return await self._dossier.of(await self.show(who), most=ALL)

    async def require_password(self, who: str) -> bool:
        """Have a user set another password before the one she has opens anything again.

        False where she has none. Her sessions go on.
        """
        user = await self.show(who)
        return await self._db.transact(lambda: self._users.require_change(user.user_id, PASSWORD))

    async def revoke_sessions(self, who: str) -> int:
        """End all sessions of a user; how many there were."""
        user = await self.show(who)
        return await self._db.transact(lambda: self._end_all(user.user_id))

    async def _leave(self, user_id: str, *, now: bool) -> int:
        await self._users.touch(user_id)
        at = self._clock()
        asked = await self._departures.leaves_at(user_id)
        leaves_at = at if now else asked or at + self._grace
        await self._departures.begin(user_id, at=at, leaves_at=leaves_at)
        await self._sessions.revoke_all(user_id, "disabled")
        return leaves_at

    async def _end_all(self, user_id: str) -> int:
        # Whoever is being let in at this moment ends too: that holds her row until it is done.
        await self._users.touch(user_id)
        return await self._sessions.revoke_all(user_id, "operator")

    async def _shut_out(self, user_id: str, reason: str) -> bool:
        changed = await self._users.disable(user_id, reason)
        await self._sessions.revoke_all(user_id, "disabled")
        return changed

    async def _insert(self, assertion: Assertion, hashed: str | None, *, proved: bool) -> str:
        decision = Decision(prove=proved, claim=not proved)
        user_id = await self._users.apply(decision, assertion)
        if hashed:
            await self._users.set_secret(user_id, PASSWORD, hashed)
        return user_id

    async def _hash(self, password: str, spelled: str) -> str:
        place = self._providers.secret(PASSWORD)
        chosen = await self._acceptance.demand(place, password, spelled)
        return await self._hashing.hash(chosen, Asking())
