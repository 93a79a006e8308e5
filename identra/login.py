"""The hall: how somebody gets in. Begin, complete, admit."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from identra import address
from identra.admission import Case, origin_of
from identra.deadline import one_deadline
from identra.errors import Busy, InvalidCode, InvalidCredentials, StoreUnavailable
from identra.hashing import Asking, no_room
from identra.limits import SENDING, STARTING, network_of
from identra.linking import decide, decide_secret
from identra.meter import UNMETERED
from identra.providers.code import counted, read_answer, spell_recipient
from identra.providers.secret import normalise
from identra.stamp import stamp
from identra.trail import about, attempt, ended_at_once, step
from identra.trial import demand_no_change
from identra.tries import counting_failure
from identra.values import Assertion

if TYPE_CHECKING:
    from identra.account import Account
    from identra.admission import Admission
    from identra.challenges import Answered, Challenges
    from identra.couriers import Couriers
    from identra.hashing import Hashing
    from identra.limits import Limits
    from identra.linking import Known
    from identra.loader import Providers
    from identra.meter import Meter
    from identra.mishaps import Mishaps
    from identra.providers.code import CodeProvider
    from identra.roundtrip import Departure, Prompt, Return, Roundtrip
    from identra.trail import Keeper
    from identra.trial import Trial
    from identra.users import Credential, Users
    from identra.values import Clock, Peer, TokenPair


@dataclass(frozen=True, slots=True)
class Welcome:
    """A login through an OAuth place; `email` is the vouched primary address or empty."""

    token: TokenPair
    username: str
    avatar_url: str
    email: str


class Login:
    """Every way in: a code, a secret, an OAuth place."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through, each by name
        self,
        *,
        providers: Providers,
        account: Account,
        admission: Admission,
        challenges: Challenges,
        couriers: Couriers,
        hashing: Hashing,
        limits: Limits,
        roundtrip: Roundtrip,
        trial: Trial,
        users: Users,
        mishaps: Mishaps,
        attempts: Keeper,
        clock: Clock,
        sign_up: bool,
        meter: Meter = UNMETERED,
    ) -> None:
        self._providers = providers
        self._account = account
        self._admission = admission
        self._challenges = challenges
        self._couriers = couriers
        self._hashing = hashing
        self._limits = limits
        self._roundtrip = roundtrip
        self._trial = trial
        self._users = users
        self._mishaps = mishaps
        self._attempts = attempts
        self._clock = clock
        self._meter = meter
        self._decide = partial(decide, sign_up=sign_up)

    @attempt("code.begin")
    @one_deadline
    async def begin_code(self, provider: str, to: str, peer: Peer, *, use_html: bool) -> None:
        """Send a code, unless a live one is younger than a minute; tells nothing of the user.

        Raises UnknownProvider, MailNotConfigured, ProviderNotConfigured, InvalidArgument,
        RateLimited, and Busy or ProviderUnavailable for a code that did not leave.
        """
        place = self._providers.code(provider)
        self._couriers.demand(place)
        recipient = await self._mishaps.noting(_spell(place, to))
        about(provider=provider, subject=recipient)
        await self._limits.spend_peer(STARTING, peer)
        await self._limits.spend(SENDING, counted(place, recipient), peer)
        async with self._challenges.asked(provider, "login", recipient, peer.locale) as code:
            if code:
                await self._couriers.send_code(place, recipient, code, peer, use_html=use_html)
            else:
                step("code.rests")

    @attempt("code.complete")
    @one_deadline
    async def complete_code(
        self, provider: str, to: str, code: str, peer: Peer, *, bearer: str | None
    ) -> TokenPair:
        """Trade a right code for a session. Raises InvalidCode, SignUpClosed, UserDisabled."""
        place = self._providers.code(provider)
        recipient = await self._mishaps.noting(_spell(place, to))
        about(provider=provider, subject=recipient)
        caller = await self._account.identify(bearer) if bearer else None
        with counting_failure(self._meter, provider, "otp"):
            await self._limits.guess(counted(place, recipient), peer)
            answered = await self._answered(provider, recipient, code, peer)
        assertion = stamp(place, read_answer(place, recipient), at=self._clock(), amr=("otp",))
        case = Case(
            assertion,
            partial(self._decide, assertion),
            origin_of(assertion),
            answered=answered,
            caller=caller,
        )
        return await self._admission.admit(case, peer)

    @attempt("secret.complete")
    @one_deadline
    async def by_secret(self, provider: str, email: str, secret: str, peer: Peer) -> TokenPair:
        """Trade an address and its secret for a session; never creates or links.

        Raises InvalidCredentials alike for an unknown user, a wrong secret and none,
        PasswordChangeRequired and UserDisabled only after a right proof, RateLimited, Busy.
        """
        place = self._providers.secret(provider)
        about(provider=provider)
        with counting_failure(self._meter, place.name, "pwd"):
            self._demand_room(peer)
        spelled = address.spell(email)
        about(subject=spelled)
        with counting_failure(self._meter, place.name, "pwd"):
            find = partial(self._users.credential, place.name, spelled)
            credential = await self._trial.judge(f"{place.name}:{spelled}", secret, peer, find)
            demand_no_change(credential)
        assertion = Assertion(place.name, None, None, ("pwd",), self._clock())
        case = Case(
            assertion,
            decide_secret,
            origin_of(assertion),
            known=partial(self._known, place.name, credential),
        )
        pair = await self._admission.admit(case, peer)
        if self._hashing.outdated(credential.hash):
            await self._rehash(place.name, credential, secret, Asking(network_of(peer), spelled))
        return pair

    @property
    def crowded(self) -> bool:
        """Whether there may be somebody for whose secret there is no room to be judged."""
        return self._hashing.crowded

    def has_room(self, peer: Peer) -> bool:
        """Whether a secret that comes from there may be judged; of whose it is nothing is known."""
        return self._hashing.has_room(Asking(network_of(peer)))

    def turn_away(self, provider: str, peer: Peer) -> Busy:
        """What `by_secret` raises where there is no room, told, counted and kept as it would be.

        `provider` is one of the secret providers.
        """
        fault = no_room()
        self._meter.login(provider, "pwd", fault.reason)
        self._attempts.keep(ended_at_once("secret.complete", peer, fault, provider=provider))
        return fault

    @attempt("oauth.begin")
    @one_deadline
    async def begin_oauth(self, departure: Departure, peer: Peer, *, bearer: str | None) -> Prompt:
        """Where to send the person; with Bearer the state can only bind, and only to her."""
        caller = await self._account.identify(bearer) if bearer else None
        return await self._mishaps.noting(self._roundtrip.begin(departure, caller, peer))

    @attempt("oauth.complete")
    @one_deadline
    async def complete_oauth(self, back: Return, peer: Peer) -> Welcome:
        """Finish the round trip and let the person in.

        Raises InvalidState, ProviderRefused, ProviderUnavailable, SignUpClosed, UserDisabled.
        """
        finishing = self._roundtrip.finish(back, None, peer)
        provider, opened, info = await self._mishaps.noting(finishing)
        assertion = stamp(provider, info, at=self._clock(), amr=())
        case = Case(
            assertion,
            partial(self._decide, assertion),
            origin_of(assertion),
            answered=opened.answered,
        )
        pair = await self._admission.admit(case, peer)
        return Welcome(pair, assertion.username, assertion.avatar_url, assertion.address or "")

    def _demand_room(self, peer: Peer) -> None:
        """Nothing is done for whom there is no room: a storm pays with the event loop's time."""
        if self.crowded and not self.has_room(peer):
            raise no_room()

    async def _answered(self, provider: str, recipient: str, code: str, peer: Peer) -> Answered:
        try:
            return await self._challenges.answer(provider, "login", recipient, code)
        except InvalidCode:
            await self._limits.failed(peer)
            raise

    async def _known(self, provider: str, credential: Credential) -> Known:
        """The user whose secret was just judged; it must still be hers, to the very end."""
        known = await self._users.known_by_secret(credential, provider)
        if known.identity is None:
            raise InvalidCredentials("the secret was changed meanwhile")
        return known

    async def _rehash(
        self, provider: str, credential: Credential, secret: str, asking: Asking
    ) -> None:
        """Strengthen a hash of former parameters; what is busy or away leaves it for later."""
        with suppress(Busy, StoreUnavailable):
            hashed = await self._hashing.hash(normalise(secret), asking)
            await self._users.rehash(credential.user_id, provider, credential.hash, hashed)


async def _spell(place: CodeProvider, to: str) -> str:
    return spell_recipient(place, to)
