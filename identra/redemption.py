"""Redeeming a mailed code for a chosen secret: counted, accepted, hashed, and then answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from identra.errors import InvalidCode
from identra.hashing import Asking
from identra.limits import network_of
from identra.tries import counting_failure
from identra.values import Assertion

if TYPE_CHECKING:
    from identra.acceptance import Acceptance
    from identra.challenges import Answered, Challenges, Purpose
    from identra.hashing import Hashing
    from identra.limits import Limits
    from identra.meter import Meter
    from identra.providers.secret import SecretProvider
    from identra.values import Clock, Peer


@dataclass(frozen=True, slots=True)
class Brought:
    """What somebody brings: an address in its one spelling, its code, and the secret to set."""

    email: str
    code: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A right code: who proved what by it, and the hash of the secret that came with it."""

    assertion: Assertion
    answered: Answered
    hashed: str = field(repr=False)


class Redemption:
    """The one place where a code and a new secret come in together."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through, each by name
        self,
        *,
        challenges: Challenges,
        acceptance: Acceptance,
        hashing: Hashing,
        limits: Limits,
        clock: Clock,
        meter: Meter,
    ) -> None:
        self._challenges = challenges
        self._acceptance = acceptance
        self._hashing = hashing
        self._limits = limits
        self._clock = clock
        self._meter = meter

    async def redeem(
        self, place: SecretProvider, purpose: Purpose, brought: Brought, peer: Peer
    ) -> Redeemed:
        """Take the code that was mailed for that purpose.

        The secret is hashed before the code is judged: so a busy house costs nobody her code, and
        the time tells nothing of it. Raises InvalidArgument before that too, InvalidCode,
        RateLimited, Busy.
        """
        email = brought.email
        with self._hashing.place(Asking(network_of(peer), email)) as waiting:
            with counting_failure(self._meter, place.name, "otp"):
                await self._limits.guess(f"{place.name}:{email}", peer)
            chosen = await self._acceptance.demand(place, brought.secret, email)
            hashed = await waiting.hash(chosen)
        with counting_failure(self._meter, place.name, "otp"):
            answered = await self._answered(place.name, purpose, brought, peer)
        assertion = Assertion(place.name, None, email, ("otp",), self._clock())
        return Redeemed(assertion, answered, hashed)

    async def _answered(
        self, provider: str, purpose: Purpose, brought: Brought, peer: Peer
    ) -> Answered:
        try:
            return await self._challenges.answer(provider, purpose, brought.email, brought.code)
        except InvalidCode:
            await self._limits.failed(peer)
            raise
