"""A new password for whoever proves her address: asked for by anybody, set with the mailed code."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from identra import address
from identra.admission import Case, origin_of
from identra.deadline import one_deadline
from identra.errors import InvalidCode
from identra.hashing import Asking
from identra.limits import SENDING, STARTING, network_of
from identra.linking import decide_reset
from identra.meter import UNMETERED
from identra.trail import about, attempt, step
from identra.tries import counting_failure
from identra.values import Assertion

if TYPE_CHECKING:
    from identra.acceptance import Acceptance
    from identra.admission import Admission
    from identra.challenges import Answered, Challenges
    from identra.couriers import Couriers
    from identra.hashing import Hashing
    from identra.limits import Limits
    from identra.linking import Decision, Known
    from identra.loader import Providers
    from identra.meter import Meter
    from identra.sessions import Sessions
    from identra.trail import Keeper
    from identra.users import Users
    from identra.values import Clock, Peer, TokenPair


class Reset:
    """Acts for the user who proved the address, and for nobody who merely claims it."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through, each by name
        self,
        *,
        providers: Providers,
        admission: Admission,
        challenges: Challenges,
        couriers: Couriers,
        hashing: Hashing,
        limits: Limits,
        users: Users,
        sessions: Sessions,
        attempts: Keeper,
        clock: Clock,
        acceptance: Acceptance,
        meter: Meter = UNMETERED,
    ) -> None:
        self._providers = providers
        self._admission = admission
        self._challenges = challenges
        self._couriers = couriers
        self._hashing = hashing
        self._limits = limits
        self._users = users
        self._sessions = sessions
        self._attempts = attempts
        self._clock = clock
        self._acceptance = acceptance
        self._meter = meter

    @attempt("reset.begin")
    @one_deadline
    async def begin(self, provider: str, email: str, peer: Peer) -> None:
        """Mail a code to the address, if somebody proved it; the same work and answer if not.

        Raises InvalidArgument, MailNotConfigured, RateLimited, Busy.
        """
        place = self._providers.secret(provider)
        spelled = address.spell(email)
        about(provider=place.name, subject=spelled)
        self._couriers.demand_mail()
        await self._limits.spend_peer(STARTING, peer)
        await self._limits.spend(SENDING, f"{place.name}:{spelled}", peer)
        async with self._challenges.asked(place.name, "reset", spelled, peer.locale) as code:
            owner = await self._users.proved(spelled, self._clock())
            if code is None:
                step("code.rests")
            else:
                leaves = owner is not None
                await self._couriers.mail_reset(spelled, code, peer, leaves=leaves)

    @attempt("reset.complete")
    @one_deadline
    async def confirm(
        self, provider: str, email: str, code: str, secret: str, peer: Peer
    ) -> TokenPair:
        """Set the secret of this very call with the mailed code; every former session ends.

        Raises InvalidArgument before the code is judged, InvalidCode, UserDisabled, Denied,
        RateLimited, Busy.
        """
        place = self._providers.secret(provider)
        spelled = address.spell(email)
        about(provider=place.name, subject=spelled)
        with self._hashing.place(Asking(network_of(peer), spelled)) as waiting:
            with counting_failure(self._meter, place.name, "otp"):
                await self._limits.guess(f"{place.name}:{spelled}", peer)
            chosen = await self._acceptance.demand(place, secret, spelled)
            hashed = await waiting.hash(chosen)
        with counting_failure(self._meter, place.name, "otp"):
            answered = await self._answered(place.name, spelled, code, peer)
        assertion = Assertion(place.name, None, spelled, ("otp",), self._clock())
        case = Case(
            assertion,
            partial(_judge, assertion),
            origin_of(assertion),
            answered=answered,
            also=partial(self._set, place.name, hashed),
            sets_secret=True,
        )
        return await self._admission.admit(case, peer)

    async def _answered(self, provider: str, spelled: str, code: str, peer: Peer) -> Answered:
        try:
            return await self._challenges.answer(provider, "reset", spelled, code)
        except InvalidCode:
            await self._limits.failed(peer)
            raise

    async def _set(self, provider: str, hashed: str, user_id: str) -> None:
        """Inside the transaction, before the new session is opened."""
        await self._users.set_secret(user_id, provider, hashed)
        await self._sessions.revoke_all(user_id, "password_reset")


def _judge(assertion: Assertion, known: Known) -> Decision:
    return decide_reset(known, at=assertion.at)
