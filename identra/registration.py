"""Registering with a secret: after the mailed code came back, or at once in development."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from identra import address
from identra.admission import Case, origin_of
from identra.deadline import one_deadline
from identra.errors import EmailTaken
from identra.hashing import Asking
from identra.limits import SENDING, STARTING, network_of
from identra.linking import decide, decide_registration
from identra.mail.letters import Facts
from identra.redemption import Brought
from identra.trail import about, attempt, step
from identra.values import Assertion

if TYPE_CHECKING:
    from identra.acceptance import Acceptance
    from identra.admission import Admission
    from identra.challenges import Challenges
    from identra.couriers import Couriers
    from identra.hashing import Hashing
    from identra.limits import Limits
    from identra.linking import Decision, Known
    from identra.loader import Providers
    from identra.redemption import Redemption
    from identra.trail import Keeper
    from identra.users import Users
    from identra.values import Clock, Peer, TokenPair

Mode: TypeAlias = Literal["verified", "immediate"]


class Registration:
    """New accounts with a secret."""

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
        attempts: Keeper,
        clock: Clock,
        mode: Mode,
        acceptance: Acceptance,
        redemption: Redemption,
        sign_up: bool,
    ) -> None:
        self._providers = providers
        self._admission = admission
        self._challenges = challenges
        self._couriers = couriers
        self._hashing = hashing
        self._limits = limits
        self._users = users
        self._attempts = attempts
        self._clock = clock
        self._mode = mode
        self._acceptance = acceptance
        self._redemption = redemption
        self._sign_up = sign_up

    @attempt("registration.begin")
    @one_deadline
    async def begin(self, provider: str, email: str, secret: str, peer: Peer) -> TokenPair | None:
        """Register: a token pair in `immediate` mode, else None and a mail on its way.

        In `verified` mode nothing is stored and the answer is the same whoever has the address.
        Raises InvalidArgument, MailNotConfigured, RateLimited, Busy; `immediate`: EmailTaken.
        """
        place = self._providers.secret(provider)
        spelled = address.spell(email)
        about(provider=provider, subject=spelled)
        if self._mode == "verified":
            self._couriers.demand_mail()
        await self._limits.spend_peer(STARTING, peer)
        if self._mode == "verified":
            await self._limits.spend(SENDING, f"{provider}:{spelled}", peer)
        chosen = await self._acceptance.demand(place, secret, spelled)
        if self._mode == "verified":
            await self._mail(provider, spelled, peer)
            return None
        return await self._register(provider, spelled, chosen, peer)

    @attempt("registration.complete")
    @one_deadline
    async def confirm(
        self, provider: str, email: str, code: str, secret: str, peer: Peer
    ) -> TokenPair:
        """Register with the mailed code; the secret of this very call is set.

        Raises InvalidArgument before the code is judged, InvalidCode, EmailTaken if the address's
        owner has a secret by now, SignUpClosed, UserDisabled, Busy.
        """
        place = self._providers.secret(provider)
        spelled = address.spell(email)
        about(provider=provider, subject=spelled)
        brought = Brought(spelled, code, secret)
        redeemed = await self._redemption.redeem(place, "register", brought, peer)
        assertion = redeemed.assertion
        case = Case(
            assertion,
            partial(decide, assertion, sign_up=self._sign_up),
            origin_of(assertion),
            answered=redeemed.answered,
            also=partial(self._set_proved_secret, assertion, redeemed.hashed),
            sets_secret=True,
        )
        return await self._admission.admit(case, peer)

    async def _register(self, provider: str, spelled: str, chosen: str, peer: Peer) -> TokenPair:
        judge = partial(_judge, self._sign_up)
        if refusal := judge(await self._users.known_address(spelled)).refusal:
            raise refusal("immediate registration")
        hashed = await self._hashing.hash(chosen, Asking(network_of(peer), spelled))
        assertion = Assertion(provider, None, spelled, ("pwd",), self._clock())
        case = Case(
            assertion,
            judge,
            origin_of(assertion),
            also=partial(self._set_first_secret, provider, hashed),
        )
        return await self._admission.admit(case, peer)

    async def _mail(self, provider: str, spelled: str, peer: Peer) -> None:
        """The same work and one mail either way: a code, or word to an owner with a secret."""
        async with self._challenges.asked(provider, "register", spelled, peer.locale) as code:
            registered = await self._users.proved_credential(provider, spelled)
            if code is None:
                step("code.rests")
                return
            if registered:
                step("code.owner_told", user=registered.user_id)
                await self._couriers.mail("already_registered", spelled, Facts(), peer)
            else:
                await self._couriers.mail_code("code", spelled, Facts(code=code), peer)

    async def _set_proved_secret(self, assertion: Assertion, hashed: str, user_id: str) -> None:
        if await self._users.proved(assertion.address or "", assertion.at) != user_id:
            raise EmailTaken("its owner joined it under an old authentication")
        await self._set_first_secret(assertion.provider, hashed, user_id)

    async def _set_first_secret(self, provider: str, hashed: str, user_id: str) -> None:
        if await self._users.hash_of(user_id, provider) is not None:
            raise EmailTaken("its owner has a secret")
        await self._users.set_secret(user_id, provider, hashed)


def _judge(sign_up: bool, known: Known) -> Decision:  # noqa: FBT001 - bound by name where made
    return decide_registration(known, sign_up=sign_up)
