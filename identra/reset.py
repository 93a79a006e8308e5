"""A new password for whoever proves her address: asked for by anybody, set with the mailed code."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from identra import address
from identra.admission import Case, origin_of
from identra.deadline import one_deadline
from identra.hashing import Asking
from identra.limits import SENDING, STARTING, network_of
from identra.linking import decide_reset
from identra.redemption import Brought
from identra.trail import about, attempt, step

if TYPE_CHECKING:
    from identra.admission import Admission
    from identra.challenges import Challenges
    from identra.couriers import Couriers
    from identra.limits import Limits
    from identra.linking import Decision, Known
    from identra.loader import Providers
    from identra.redemption import Redemption
    from identra.sessions import Sessions
    from identra.trail import Keeper
    from identra.trial import Trial
    from identra.users import Users
    from identra.values import Assertion, Clock, Peer, TokenPair


class Reset:
    """Acts for the user who proved the address, and for nobody who merely claims it."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through, each by name
        self,
        *,
        providers: Providers,
        admission: Admission,
        challenges: Challenges,
        couriers: Couriers,
        limits: Limits,
        users: Users,
        sessions: Sessions,
        attempts: Keeper,
        clock: Clock,
        redemption: Redemption,
        trial: Trial,
    ) -> None:
        self._providers = providers
        self._admission = admission
        self._challenges = challenges
        self._couriers = couriers
        self._limits = limits
        self._users = users
        self._sessions = sessions
        self._attempts = attempts
        self._clock = clock
        self._redemption = redemption
        self._trial = trial

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
        RateLimited, Busy; and InvalidArgument once it is spent, for the secret that an operator
        asked her to replace: to be told of it sooner would be a way to try secrets.
        """
        place = self._providers.secret(provider)
        spelled = address.spell(email)
        about(provider=place.name, subject=spelled)
        brought = Brought(spelled, code, secret)
        redeemed = await self._redemption.redeem(place, "reset", brought, peer)
        kept = await self._users.proved_credential(place.name, spelled)
        await self._trial.demand_another(kept, secret, Asking(network_of(peer), spelled))
        assertion = redeemed.assertion
        case = Case(
            assertion,
            partial(_judge, assertion),
            origin_of(assertion),
            answered=redeemed.answered,
            also=partial(self._set, place.name, redeemed.hashed),
            sets_secret=True,
        )
        return await self._admission.admit(case, peer)

    async def _set(self, provider: str, hashed: str, user_id: str) -> None:
        """Inside the transaction, before the new session is opened."""
        await self._users.set_secret(user_id, provider, hashed)
        await self._sessions.revoke_all(user_id, "password_reset")


def _judge(assertion: Assertion, known: Known) -> Decision:
    return decide_reset(known, at=assertion.at)
