"""The round trip to an OAuth place and back: state, client binding, PKCE, exchange."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from identra.challenges import Opening
from identra.errors import (
    InvalidArgument,
    InvalidState,
    ProviderNotConfigured,
    RedirectNotAllowed,
)
from identra.limits import RETURNING, STARTING
from identra.meter import UNMETERED
from identra.providers.redirecting import Trip, one_clean_error
from identra.secret import pkce_challenge, same
from identra.trail import about, step
from identra.tries import UNKNOWN, counting_failure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from identra.account import Caller
    from identra.challenges import Challenges, Opened, Proofs
    from identra.limits import Limits
    from identra.loader import Providers
    from identra.meter import Meter
    from identra.providers.redirecting import RedirectingProvider
    from identra.values import Peer, UserInfo

    class Way(Protocol):
        """There and back again, whatever the kind."""

        def leave(self, trip: Trip) -> str:
            """Where the person is sent."""
            ...

        def sent(self, iss: str | None) -> bool:
            """Whether an answer that names this issuer, or none, may be the place's own."""
            ...

        async def arrive(self, trip: Trip, code: str) -> UserInfo:
            """Who came back. Raises ProviderRefused, ProviderUnavailable."""
            ...

    class Place(Protocol):
        """Where people are sent to."""

        async def open(self) -> Way:
            """The way there. Raises ProviderUnavailable."""
            ...


CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class OAuthPolicy:
    """How long a state lives (seconds), and whether clients must bind it to themselves."""

    state_lifetime: int
    require_client_binding: bool


@dataclass(frozen=True, slots=True)
class Departure:
    """What a client asks for when it sends somebody off to a provider."""

    provider: str
    redirect_url: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


@dataclass(frozen=True, slots=True)
class Return:
    """What the client brings back."""

    code: str = field(repr=False)
    state: str = field(repr=False)
    code_verifier: str | None = field(default=None, repr=False)
    iss: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """Where to send the person, and the state to keep and compare."""

    url: str = field(repr=False)
    state: str = field(repr=False)


class Roundtrip:
    """Sends people to OAuth places and believes what comes back just if it fits what went out."""

    def __init__(  # noqa: PLR0913 - the rooms it walks through, and the meter
        self,
        providers: Providers,
        places: Mapping[str, Place],
        challenges: Challenges,
        limits: Limits,
        policy: OAuthPolicy,
        *,
        meter: Meter = UNMETERED,
    ) -> None:
        self._providers = providers
        self._places = places
        self._challenges = challenges
        self._limits = limits
        self._policy = policy
        self._meter = meter

    async def begin(self, departure: Departure, caller: Caller | None, peer: Peer) -> Prompt:
        """Open a state for this departure, bound to the caller if one is signed in.

        Raises UnknownProvider, ProviderNotConfigured, RedirectNotAllowed, InvalidArgument,
        ProviderUnavailable.
        """
        await self._limits.spend_peer(STARTING, peer)
        provider = self._serving(departure.provider)
        about(provider=provider.name)
        opening = Opening(
            provider=provider.name,
            redirect_url=_allowed_redirect(provider, departure.redirect_url),
            code_challenge=self._client_binding(departure),
            user_id=caller.user_id if caller else None,
            session_id=caller.session_id if caller else None,
        )
        way = await self._places[provider.name].open()
        lifetime = self._policy.state_lifetime
        proofs = await self._challenges.open(opening, lifetime=lifetime)
        about(subject=proofs.state)
        step("state.opened", user=opening.user_id or "", lives=str(lifetime))
        async with one_clean_error(provider.name, "departure"):
            return Prompt(way.leave(_trip(opening, proofs)), proofs.state)

    async def finish(
        self, back: Return, caller: Caller | None, peer: Peer
    ) -> tuple[RedirectingProvider, Opened, UserInfo]:
        """Take the state, check who brings it and for what, and only then trade the code.

        Raises InvalidState, ProviderNotConfigured, ProviderRefused, ProviderUnavailable,
        RateLimited.
        """
        about(subject=back.state)
        with counting_failure(self._meter, UNKNOWN, "oauth"):
            await self._limits.spend_peer(RETURNING, peer)
            opened = await self._challenges.close(back.state)
            _check_brought(opened.opening, back)
            _check_purpose(opened.opening, caller, self._policy)
            provider = self._serving(opened.opening.provider)
            about(provider=provider.name)
        with counting_failure(self._meter, provider.name, "oauth"):
            async with one_clean_error(provider.name):
                way = await self._places[provider.name].open()
                if not way.sent(back.iss):
                    raise InvalidState("another issuer's answer, or it lacks its iss")
                info = await way.arrive(_trip(opened.opening, opened.proofs), back.code)
        return provider, opened, info

    def _serving(self, name: str) -> RedirectingProvider:
        provider = self._providers.oauth(name)
        if missing := self._providers.lacking(provider):
            raise ProviderNotConfigured(f"{name}: {missing}")
        return provider

    def _client_binding(self, departure: Departure) -> str | None:
        challenge = departure.code_challenge
        if challenge is None:
            if self._policy.require_client_binding:
                raise InvalidArgument.of("code_challenge", "is required here")
            return None
        if departure.code_challenge_method != "S256":
            raise InvalidArgument.of("code_challenge_method", "must be S256")
        if not CHALLENGE.fullmatch(challenge):
            raise InvalidArgument.of("code_challenge", "is no S256 challenge")
        return challenge


def _trip(opening: Opening, proofs: Proofs) -> Trip:
    return Trip(opening.redirect_url, proofs.state, proofs.verifier, proofs.nonce)


def _allowed_redirect(provider: RedirectingProvider, asked: str | None) -> str:
    if asked is None:
        return provider.settings.redirect_url
    if asked not in provider.redirects:
        raise RedirectNotAllowed(f"{provider.name}: not on the list")
    return asked


def _check_brought(opening: Opening, back: Return) -> None:
    verifier = back.code_verifier
    if opening.code_challenge is None:
        if verifier is not None:
            raise InvalidState("a code_verifier for a state that was opened without")
        return
    if verifier is None or not VERIFIER.fullmatch(verifier):
        raise InvalidState("no code_verifier")
    if not same(pkce_challenge(verifier), opening.code_challenge):
        raise InvalidState("another code_verifier")


def _check_purpose(opening: Opening, caller: Caller | None, policy: OAuthPolicy) -> None:
    if caller is None:
        if opening.user_id is not None:
            raise InvalidState("opened to bind, brought to log in")
    elif opening.user_id is None:
        if policy.require_client_binding:
            raise InvalidState("opened to log in, brought to bind")
    elif opening.user_id != caller.user_id:
        raise InvalidState("opened by another user")
