"""What a provider says of somebody, in the provider's own name: no other name can be put to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra import address
from identra.errors import InvalidArgument
from identra.trail import step
from identra.values import AVATAR_LENGTH, PROFILE_LENGTH, Assertion, EmailTrust, plain

if TYPE_CHECKING:
    from identra.providers.base import Provider
    from identra.values import Method, UserInfo


def stamp(provider: Provider, info: UserInfo, *, at: int, amr: tuple[Method, ...]) -> Assertion:
    """An assertion in the provider's own name, with an address only if it vouches for it."""
    trusted = vouched(provider.trust, info)
    told = "vouched" if trusted else "not_vouched" if info.addresses else "none"
    step("asserted", provider=provider.name, address=told, trust=provider.trust.value)
    return Assertion(
        provider=provider.name,
        subject=info.subject if provider.keeps_identity else None,
        address=trusted,
        amr=amr,
        at=at,
        username=plain(info.username, PROFILE_LENGTH),
        avatar_url=_web_address(info.avatar_url),
    )


def vouched(trust: EmailTrust, info: UserInfo) -> str | None:
    """The primary address in its one spelling if the provider vouches for it, else None."""
    primary = info.primary
    if primary is None or trust is EmailTrust.never:
        return None
    if trust is not EmailTrust.always and primary.verified is not True:
        return None
    try:
        return address.spell(primary.email)
    except InvalidArgument:
        return None


def _web_address(url: str) -> str:
    """A URL that a page may show as a picture's, or nothing."""
    shown = plain(url, AVATAR_LENGTH)
    return shown if shown == url and shown.startswith(("https://", "http://")) else ""
