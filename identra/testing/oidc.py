"""Conformance of OpenID Connect places."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final

from identra.providers.discovery import METADATA_KEPT
from identra.providers.idtoken import TENANT
from identra.providers.oidc import OIDCProvider
from identra.testing.clock import FrozenClock
from identra.testing.oidc_rules import RULES
from identra.testing.openid import OpenPlace
from identra.testing.redirecting import RedirectingConformance

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.testing.case import Rule
    from identra.testing.place import Person
    from identra.testing.watching import Watch

ODD: Final[tuple[Any, ...]] = (None, "", "0", 7, True, [], {})


class OIDCConformance(RedirectingConformance):
    """Give `claims`: what the id_token says of a person, besides what is of the sign-in.

    `userinfo` is what that says more, `discovery` what the place's document says otherwise than
    the kit's. The kit adds `iss`, `aud`, `iat`, `exp` and `nonce`, and signs.
    """

    kind = OIDCProvider
    rules: ClassVar[tuple[Rule, ...]] = RULES

    place: OpenPlace
    clock: FrozenClock

    def claims(self, person: Person) -> Mapping[str, Any]:
        """The claims of the id_token about a person, `sub` first; her odd values as they are."""
        raise NotImplementedError

    def userinfo(self, person: Person) -> Mapping[str, Any]:
        """What userinfo tells besides `sub`."""
        del person
        return {}

    def discovery(self) -> Mapping[str, Any]:
        """Members of the place's discovery document: its endpoints, where they are elsewhere."""
        return {}

    def open_place(self) -> OpenPlace:
        """A place that tells and signs these."""
        self.clock = FrozenClock(time.time_ns() // 1_000)
        return OpenPlace(
            mints=_is_minted(self.make),
            claims=self.claims,
            userinfo=self.userinfo,
            discovery=self.discovery(),
            clock=self.clock,
        )

    def settle_in(self, provider: OIDCProvider) -> None:
        """Be this provider's issuer."""
        self.place.settle(provider)

    def urls(self) -> tuple[str, ...]:
        """The discovery and the endpoints that it names."""
        document = self.place.document
        named = ("token_endpoint", "jwks_uri", "userinfo_endpoint")
        return (self.place.discovery_url, *(document[name] for name in named))

    def let_it_grow_old(self) -> None:
        """Have the discovery and the keys read again."""
        self.clock.advance(METADATA_KEPT + 1)

    def subject_of(self, provider: OIDCProvider, person: Person) -> str:
        """The token's own; of a place of many tenants one within its tenant."""
        told = self.claims(person)
        return f"{told['tid']}:{told['sub']}" if TENANT in provider.issuer else str(told["sub"])

    async def call(self, provider: OIDCProvider, watch: Watch) -> None:
        """Call `read` with claims as they are and as they should not be, and `client_secret`."""
        right = dict(self.claims(self.somebody()))
        wrong = [{**right, name: odd} for name in right for odd in ODD]
        for claims in (right, {}, *wrong):
            with suppress(Exception):  # giving up is right
                provider.read(claims)
            await asyncio.sleep(0)
            watch.demand_free()
        provider.client_secret(int(time.time()))
        watch.demand_free()


def _is_minted(make: type[Any]) -> bool:
    """Whether the provider makes its secret itself."""
    return make.client_secret is not OIDCProvider.client_secret
