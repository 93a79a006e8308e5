"""The addresses of a signed-in user: one is the primary, further ones join by a mailed code."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from identra import address
from identra.db import Duplicate
from identra.deadline import one_deadline
from identra.errors import (
    InvalidArgument,
    InvalidCode,
    LastLoginMethod,
    NotFound,
    StoreUnavailable,
)
from identra.limits import ACCOUNT, OWNER, SENDING, STARTING, owner
from identra.linking import decide_address
from identra.mail.letters import Facts
from identra.values import Assertion

if TYPE_CHECKING:
    from collections.abc import Callable

    from identra.account import Account, Caller
    from identra.challenges import Answered, Challenges
    from identra.couriers import Couriers
    from identra.db import Database
    from identra.limits import Limits
    from identra.linking import Decision
    from identra.notices import Notices
    from identra.sessions import Sessions
    from identra.users import OwnAddress, User, Users
    from identra.values import Clock, Peer
    from identra.ways import Ways

ASKER: Final = OWNER
"""Who asks for these codes, where a provider's name stands for others."""
MAILBOX: Final = "email"
"""An address has one mailbox: what these codes are counted under is what those of logins are."""
TURNS: Final = 3


class _OvertakenError(Exception):
    """Between the two judgements somebody was quicker; the code is judged anew."""


class Addresses:
    """Adds, prefers and removes. All of it takes an authentication of the last ten minutes.

    Every call raises MissingToken, InvalidToken, ReauthenticationRequired and StoreUnavailable, and
    InvalidArgument for what is no address. `ways` tells what opens accounts here at the moment.
    """

    def __init__(  # noqa: PLR0913 - the rooms it walks through, each by name
        self,
        *,
        db: Database,
        account: Account,
        users: Users,
        sessions: Sessions,
        challenges: Challenges,
        couriers: Couriers,
        limits: Limits,
        notices: Notices,
        ways: Callable[[], Ways],
        secrets: tuple[str, ...],
        clock: Clock,
    ) -> None:
        self._db = db
        self._account = account
        self._users = users
        self._sessions = sessions
        self._challenges = challenges
        self._couriers = couriers
        self._limits = limits
        self._notices = notices
        self._ways = ways
        self._secrets = secrets
        self._clock = clock

    @one_deadline
    async def begin(self, bearer: str | None, email: str, peer: Peer) -> None:
        """Mail a code to an address, whoever has it; it proves the address for the caller alone.

        Raises MailNotConfigured, RateLimited, Busy.
        """
        caller = await self._fresh(bearer)
        spelled = address.spell(email)
        self._couriers.demand_mail()
        await self._limits.spend_peer(STARTING, peer)
        await self._limits.spend(SENDING, f"{MAILBOX}:{spelled}", peer)
        whose = _named(caller, spelled)
        async with self._challenges.asked(ASKER, "address", whose, peer.locale) as code:
            if code:
                await self._couriers.mail_code("address_code", spelled, Facts(code=code), peer)

    @one_deadline
    async def confirm(self, bearer: str | None, email: str, code: str, peer: Peer) -> None:
        """Make an address the caller's, proved by its code; it is success if it is already.

        Raises InvalidCode, EmailTaken for one that another user proved, RateLimited.
        """
        caller = await self._fresh(bearer)
        spelled = address.spell(email)
        await self._limits.guess(f"{MAILBOX}:{spelled}", peer)
        answered = await self._answered(caller, spelled, code, peer)
        try:
            before = await self._prove(caller, spelled, answered)
        except StoreUnavailable:
            await self._challenges.give_back(answered)
            raise
        await self._wake(spelled, peer)
        if before and before.proved_at is not None and before.email != spelled:
            await self._notices.tell("address_added", caller.user_id, peer=peer, to=before.email)

    @one_deadline
    async def promote(self, bearer: str | None, email: str, peer: Peer) -> None:
        """Make one of the caller's proved addresses the primary; the former one is told.

        Raises NotFound for one that is not hers, InvalidArgument for one that is not proved,
        RateLimited.
        """
        caller = await self._fresh(bearer)
        spelled = address.spell(email)
        await self._limits.spend(ACCOUNT, owner(caller.user_id), peer)
        before = await self._db.transact(partial(self._promote, caller, spelled))
        if before and before.proved_at is not None:
            await self._notices.tell("address_changed", caller.user_id, peer=peer, to=before.email)

    @one_deadline
    async def remove(self, bearer: str | None, email: str, peer: Peer) -> None:
        """Remove one of the caller's addresses; that address and the primary one are told.

        The oldest proved one takes the place of a primary one that goes. Raises NotFound for one
        that is not hers, LastLoginMethod for the only proved one and for the last way in.
        """
        caller = await self._fresh(bearer)
        spelled = address.spell(email)
        gone = await self._db.transact(partial(self._remove, caller, spelled, self._ways()))
        if gone.proved_at is not None:
            await self._notices.tell("address_removed", caller.user_id, peer=peer, to=gone.email)
        await self._notices.tell("address_removed", caller.user_id, peer=peer)

    async def _fresh(self, bearer: str | None) -> Caller:
        caller = await self._account.identify(bearer)
        caller.demand_fresh(self._clock())
        return caller

    async def _answered(self, caller: Caller, spelled: str, code: str, peer: Peer) -> Answered:
        try:
            whose = _named(caller, spelled)
            return await self._challenges.answer(ASKER, "address", whose, code)
        except InvalidCode:
            await self._limits.failed(peer)
            raise

    async def _prove(self, caller: Caller, spelled: str, answered: Answered) -> OwnAddress | None:
        """Judge, then in one transaction judge again and apply; her primary address before it."""
        for _ in range(TURNS):
            known = await self._users.known_address(spelled)
            decision = decide_address(known, caller.user_id)
            if decision.refusal:
                raise decision.refusal("a further address")
            apply = partial(self._apply, caller, spelled, decision, answered)
            with suppress(Duplicate, _OvertakenError):
                return (await self._db.transact(apply)).address
        raise StoreUnavailable("overtaken three times", retry_after=1)

    async def _apply(
        self, caller: Caller, spelled: str, decision: Decision, answered: Answered
    ) -> User:
        # The rows of both, in one order for all, so that no two wait for each other.
        for user_id in sorted({caller.user_id, decision.lock_out or caller.user_id}):
            await self._users.touch(user_id)
        user = await self._account.take_turn(caller)
        if decide_address(await self._users.known_address(spelled), user.user_id) != decision:
            raise _OvertakenError
        await self._challenges.mark_spent(answered)
        if decision.prove:
            assertion = Assertion(ASKER, None, spelled, ("otp",), self._clock())
            await self._users.apply(decision, assertion)
        if decision.lock_out:
            await self._sessions.revoke_all(decision.lock_out, "claim_lost")
        return user

    async def _promote(self, caller: Caller, spelled: str) -> OwnAddress | None:
        """The former primary address, if it was another."""
        user = await self._account.take_turn(caller)
        if _own(user, spelled).proved_at is None:
            raise InvalidArgument.of("email", "is not proved yet")
        if user.address and user.address.email == spelled:
            return None
        await self._users.promote(user.user_id, spelled)
        return user.address

    async def _remove(self, caller: Caller, spelled: str, ways: Ways) -> OwnAddress:
        user = await self._account.take_turn(caller)
        gone = _own(user, spelled)
        left = replace(user, addresses=tuple(own for own in user.addresses if own != gone))
        if gone.proved_at is not None and not left.proved:
            raise LastLoginMethod("no other address is proved")
        ways.demand(left)
        await self._users.drop_address(user.user_id, spelled)
        return gone

    async def _wake(self, spelled: str, peer: Peer) -> None:
        """A secret that rested for its failures may be tried again: the address is proved again."""
        with suppress(StoreUnavailable):  # it is hers all the same
            for provider in self._secrets:
                await self._limits.wake(f"{provider}:{spelled}", peer)


def _named(caller: Caller, spelled: str) -> str:
    """For whom a code is: this address, of this user."""
    return f"{caller.user_id} {spelled}"


def _own(user: User, spelled: str) -> OwnAddress:
    found = next((own for own in user.addresses if own.email == spelled), None)
    if found is None:
        raise NotFound("no address of the caller's")
    return found
