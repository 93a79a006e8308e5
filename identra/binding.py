"""Binding a further identity to the signed-in user."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from identra.admission import Case
from identra.deadline import one_deadline
from identra.errors import InvalidState
from identra.linking import decide_binding
from identra.stamp import stamp
from identra.trail import about, attempt
from identra.values import DAY

if TYPE_CHECKING:
    from identra.account import Account, Caller
    from identra.admission import Admission
    from identra.challenges import Opening
    from identra.linking import Decision, Known
    from identra.mishaps import Mishaps
    from identra.roundtrip import Return, Roundtrip
    from identra.sessions import Origin
    from identra.trail import Keeper
    from identra.values import Assertion, Clock, Peer, TokenPair

PROBATION: Final = DAY


@dataclass(frozen=True, slots=True)
class Bound:
    """A binding done: a new session beside the caller's own, and the identity's profile."""

    token: TokenPair
    username: str
    avatar_url: str


class Binding:
    """Adds identities to the account of whoever is signed in."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through
        self,
        account: Account,
        admission: Admission,
        roundtrip: Roundtrip,
        clock: Clock,
        mishaps: Mishaps,
        *,
        attempts: Keeper,
        requires_reauthentication: bool,
    ) -> None:
        self._account = account
        self._admission = admission
        self._roundtrip = roundtrip
        self._clock = clock
        self._mishaps = mishaps
        self._attempts = attempts
        self._requires_reauthentication = requires_reauthentication

    @attempt("oauth.bind")
    @one_deadline
    async def bind(self, bearer: str | None, back: Return, peer: Peer) -> Bound:
        """Bind the identity that came back to the caller, and open a session like hers.

        Raises MissingToken, InvalidToken, ReauthenticationRequired, InvalidState,
        IdentityTaken, ProviderRefused, ProviderUnavailable.
        """
        caller = await self._account.identify(bearer)
        about(user_id=caller.user_id)
        fresh = caller.origin.fresh(self._clock())
        if self._requires_reauthentication:
            caller.demand_fresh(self._clock())
        finishing = self._roundtrip.finish(back, caller, peer)
        provider, opened, info = await self._mishaps.noting(finishing)
        await self._demand_live(opened.opening, caller)
        assertion = stamp(provider, info, at=self._clock(), amr=())
        case = Case(
            assertion,
            partial(_judge, assertion, caller.user_id),
            partial(_same_origin, caller),
            answered=opened.answered,
            caller=caller,
            counts_from=None if fresh else assertion.at + PROBATION,
        )
        pair = await self._admission.admit(case, peer)
        return Bound(pair, assertion.username, assertion.avatar_url)

    async def _demand_live(self, opening: Opening, caller: Caller) -> None:
        """A state is over with the session that asked for it, be it brought by another of hers."""
        asker = opening.session_id
        if asker is None or asker == caller.session_id:
            return
        if not await self._account.lives(asker, caller.user_id):
            raise InvalidState("the session that asked for it has ended")


def _judge(assertion: Assertion, user_id: str, known: Known) -> Decision:
    return decide_binding(assertion, known, user_id)


def _same_origin(caller: Caller, user_id: str, _counts_from: int | None) -> Origin:
    return replace(caller.origin, user_id=user_id)
