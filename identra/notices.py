"""Telling the owner of an account what happened to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from identra.caller import coarse_of
from identra.errors import IdentraError, OperatorError
from identra.mail.letters import Facts

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from identra.acquaintance import Acquaintance
    from identra.linking import Decision
    from identra.mail.letters import Letters, Name
    from identra.messenger import Messenger
    from identra.users import User, Users
    from identra.values import Assertion, Peer

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Entered:
    """Somebody was let in: what was decided, by what, from where.

    `secret_set` says that a first secret came with it, `strange` that her network is new,
    `untouched` that nobody was ever in the account before.
    """

    decision: Decision
    assertion: Assertion
    user_id: str
    peer: Peer
    secret_set: bool = False
    strange: bool = False
    untouched: bool = False


class Notices:
    """Words that follow a commit: what they tell is already true, so no failure undoes it.

    They come in the language that the user chose herself, never in that of the call that caused
    them: whoever made it may be somebody else. With `acquaintance` new networks are told of.
    """

    def __init__(
        self,
        messenger: Messenger,
        users: Users,
        letters: Letters,
        acquaintance: Acquaintance | None = None,
    ) -> None:
        self._messenger = messenger
        self._users = users
        self._letters = letters
        self._acquaintance = acquaintance

    async def tell(
        self,
        name: Name,
        user_id: str,
        facts: Facts = Facts(),  # noqa: B008 - frozen
        *,
        peer: Peer | None = None,
        to: str | None = None,
    ) -> None:
        """Send a user a letter, to an address she proved, or to this one of hers.

        `peer` is who caused it. What can't leave is logged.
        """
        if self._messenger.configured:
            await _noting(user_id, self._tell(name, user_id, facts, peer, to))

    async def tell_gone(self, name: Name, user: User) -> None:
        """Send a letter to whoever this user was, as she was read before she went."""
        address = _proved(user)
        if self._messenger.configured and address:
            await _noting(user.user_id, self._post(name, user, address, Facts()))

    async def after(self, entered: Entered) -> None:
        """Tell what a login did to accounts, each to its owner's proved address."""
        decision, user_id, peer = entered.decision, entered.user_id, entered.peer
        if not (decision.creates or entered.untouched):
            await self._tell_of_secrets(entered)
        if decision.link and decision.tell:
            provider = Facts(provider=entered.assertion.provider)
            await self.tell("identity_linked", user_id, provider, peer=peer)
        if decision.unclaim:
            await self.tell("address_lost", decision.unclaim)
        if entered.strange and not entered.untouched:
            await self.tell("new_network", user_id, peer=peer)

    async def _tell_of_secrets(self, entered: Entered) -> None:
        user_id, peer, proved = entered.user_id, entered.peer, entered.assertion.address
        if entered.decision.lock_out == user_id and proved:
            await self.tell("claim_dropped", user_id, peer=peer, to=proved)
        elif entered.secret_set:
            await self.tell("password_set", user_id, peer=peer)

    async def is_strange(self, user_id: str | None, peer: Peer) -> bool:
        """Whether a user is to be told that somebody comes in from a network that is new for her.

        To be asked before her login is on record. Of a user who is just being made it is False.
        """
        if self._acquaintance is None or user_id is None:
            return False
        return await self._acquaintance.is_strange(user_id, peer)

    async def _tell(
        self, name: Name, user_id: str, facts: Facts, peer: Peer | None, to: str | None
    ) -> None:
        user = await self._users.user(user_id)
        address = to or _proved(user)
        if user is None or address is None:
            return
        told = facts.of(coarse_of(peer.address) if peer else None)
        await self._post(name, user, address, told)

    async def _post(self, name: Name, user: User, address: str, told: Facts) -> None:
        locale = user.locale or self._letters.default
        self._messenger.post(self._letters.write(name, address, locale, told), user.user_id)


async def _noting(user_id: str, telling: Awaitable[None]) -> None:
    try:
        await telling
    except IdentraError as fault:
        log.warning("notice not sent", user_id=user_id, reason=fault.reason)
    except OperatorError as fault:  # a template that failed at these facts alone
        log.warning("notice not sent", user_id=user_id, reason=str(fault))


def _proved(user: User | None) -> str | None:
    """The address by which a user is told: one she proved, or none."""
    address = user.address if user else None
    return address.email if address and address.proved_at is not None else None
