"""The providers: what they lack, where people are sent back to, and whether they answer us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from identra.doctor.finding import Kind
from identra.errors import IdentraError, ProviderRefused
from identra.loader import lacks
from identra.providers.redirecting import Trip, is_near
from identra.secret import token

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from identra.doctor.finding import Finding
    from identra.issuers import Issuers
    from identra.loader import Providers
    from identra.providers.base import Provider
    from identra.providers.redirecting import RedirectingProvider
    from identra.roundtrip import Place

READY: Final = Kind("PROVIDER_READY", "ok")
LACKING: Final = Kind(
    "PROVIDER_LACKING", "warning", "Give its section what it lacks, or set enabled = false there."
)
UNREACHED: Final = Kind(
    "PROVIDER_UNREACHED", "error", "Look at its section's addresses, at DNS and at the firewall."
)
CLIENT: Final = Kind(
    "PROVIDER_CLIENT_REFUSED",
    "error",
    "Compare client_id, client_secret and redirect_url with what is registered at the provider.",
)
MOVED: Final = Kind(
    "PROVIDER_MOVED", "error", "Give it a name of its own; only if it moved, rebind the name."
)
REDIRECT_PLAIN: Final = Kind(
    "REDIRECT_PLAIN", "error", "Let the redirect address begin with https, here and there."
)
REDIRECT_LOCAL: Final = Kind(
    "REDIRECT_LOCAL", "warning", "Take the redirect address out once development is over."
)
KINDS: Final = (READY, LACKING, UNREACHED, CLIENT, MOVED, REDIRECT_PLAIN, REDIRECT_LOCAL)

_CLIENT_WORDS: Final = (
    "invalid_client",
    "unauthorized_client",
    "incorrect_client_credentials",
    "redirect_uri_mismatch",
)
"""What a token endpoint says of the application itself (RFC 6749, 5.2; GitHub has its own)."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of trading a code that nobody gave: a refusal shows that the place is there."""

    reached: bool
    said: str


def judge_redirects(provider: RedirectingProvider, *, local: bool) -> Iterator[Finding]:
    """Where people are sent back to; `local` says that the service itself is in development."""
    for url in provider.redirects:
        parts = urlsplit(url)
        if parts.scheme == "http" and not is_near(parts.hostname):
            yield REDIRECT_PLAIN.of(f"{provider.name}: {url} takes codes in clear")
        elif is_near(parts.hostname) and not local:
            yield REDIRECT_LOCAL.of(f"{provider.name}: {url} is on each person's own machine")


def judge_lack(provider: Provider) -> Iterator[Finding]:
    """What keeps a provider from serving."""
    if missing := lacks(provider):
        yield LACKING.of(f"{provider.name}: {missing}")


def judge(name: str, asked: Asked) -> Finding:
    """What is to be said of a place that was asked."""
    if not asked.reached:
        return UNREACHED.of(f"{name}: {asked.said}")
    if any(word in asked.said for word in _CLIENT_WORDS):
        return CLIENT.of(f"{name}: {asked.said}")
    return READY.of(f"{name}: it answers, and refused a code that nobody gave ({asked.said})")


async def ask(provider: RedirectingProvider, place: Place) -> Asked:
    """Read its discovery, if it has one, and offer it a code that nobody gave."""
    trip = Trip(provider.settings.redirect_url, *(token() for _ in range(3)))
    try:
        way = await place.open()
        await way.arrive(trip, token())
    except ProviderRefused as no:
        return Asked(reached=True, said=no.detail)
    except IdentraError as fault:
        return Asked(reached=False, said=fault.detail)
    return Asked(reached=True, said="it took a code that nobody gave")


async def look(
    providers: Providers, places: Mapping[str, Place], issuers: Issuers | None, *, local: bool
) -> list[Finding]:
    """Examine each provider; `issuers` (of a database that is only read) knows where it was."""
    found: list[Finding] = []
    for provider in providers.on.values():
        found += judge_lack(provider)
    for one in providers.oauths:
        found += judge_redirects(one, local=local)
        if lacks(one) is None:
            found.append(judge(one.name, await ask(one, places[one.name])))
            found += await _judge_place(one, issuers)
    return found


async def _judge_place(provider: RedirectingProvider, issuers: Issuers | None) -> list[Finding]:
    if issuers is None:
        return []
    try:
        wrong = await issuers.settle({provider.name: provider.issuer})
    except IdentraError:  # which the database's findings tell
        return []
    return [MOVED.of(says) for says in wrong.values()]
