"""Choosing a password, or another secret, while signed in."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from identra.deadline import one_deadline
from identra.errors import InvalidArgument, InvalidCredentials
from identra.hashing import Asking
from identra.limits import ACCOUNT, network_of, owner
from identra.providers.secret import normalise

if TYPE_CHECKING:
    from identra.acceptance import Acceptance
    from identra.account import Account, Caller
    from identra.db import Database
    from identra.hashing import Hashing
    from identra.limits import Limits
    from identra.loader import Providers
    from identra.notices import Notices
    from identra.sessions import Sessions
    from identra.trial import Trial
    from identra.users import Credential, Users
    from identra.values import Clock, Peer


class Passwords:
    """A signed-in user's own secrets."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through, each by name
        self,
        *,
        db: Database,
        providers: Providers,
        account: Account,
        users: Users,
        sessions: Sessions,
        acceptance: Acceptance,
        hashing: Hashing,
        limits: Limits,
        trial: Trial,
        notices: Notices,
        clock: Clock,
    ) -> None:
        self._db = db
        self._providers = providers
        self._account = account
        self._users = users
        self._sessions = sessions
        self._acceptance = acceptance
        self._hashing = hashing
        self._limits = limits
        self._trial = trial
        self._notices = notices
        self._clock = clock

    @one_deadline
    async def change(
        self, provider: str, bearer: str | None, secret: str, current: str | None, peer: Peer
    ) -> None:
        """Set the caller's secret, be it her first; all sessions but hers end, and she is told.

        It takes the `current` one, or an authentication of the last ten minutes. Raises
        MissingToken, InvalidToken, ReauthenticationRequired, InvalidCredentials for a current one
        that is not right, InvalidArgument, RateLimited, Busy.

        The secret that an operator asked her to replace is no other one.
        """
        place = self._providers.secret(provider)
        caller = await self._account.identify(bearer)
        email = await self._address(caller)
        former = None
        if current is None:
            caller.demand_fresh(self._clock())
        await self._limits.spend(ACCOUNT, owner(caller.user_id), peer)
        if current is not None:
            former = await self._judged(place.name, caller, email, current, peer)
        chosen = await self._acceptance.demand(place, secret, email)
        if current is not None and chosen == normalise(current):
            raise InvalidArgument.of("password", "is the one that it was")
        asking = Asking(network_of(peer), email or None)
        kept = await self._users.credential_of(caller.user_id, place.name)
        await self._trial.demand_another(kept, chosen, asking)
        hashed = await self._hashing.hash(chosen, asking)
        await self._db.transact(partial(self._set, place.name, caller, hashed, former))
        await self._notices.tell("password_set", caller.user_id, peer=peer)

    async def _judged(
        self, provider: str, caller: Caller, email: str, current: str, peer: Peer
    ) -> Credential:
        """Her credential, if this is its secret: tried as at a login, and counted with those."""
        find = partial(self._users.credential_of, caller.user_id, provider)
        subject = f"{provider}:{email or caller.user_id}"
        return await self._trial.judge(subject, current, peer, find)

    async def _address(self, caller: Caller) -> str:
        user = await self._users.user(caller.user_id)
        address = user.address if user else None
        return address.email if address else ""

    async def _set(
        self, provider: str, caller: Caller, hashed: str, former: Credential | None
    ) -> None:
        await self._account.take_turn(caller)
        if former and await self._users.secret_since(caller.user_id, provider) != former.set_at:
            raise InvalidCredentials("the secret was changed meanwhile")
        await self._users.set_secret(caller.user_id, provider, hashed)
        await self._sessions.revoke_all(caller.user_id, "password_changed", but=caller.session_id)
