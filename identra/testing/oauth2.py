"""Conformance of OAuth 2.0 places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from identra.deadline import bounded
from identra.providers.oauth2 import OAuth2Provider
from identra.testing.case import Rule, demand
from identra.testing.oauth2_rules import RULES
from identra.testing.place import Fault, Person, Place
from identra.testing.redirecting import RedirectingConformance
from identra.upstream import open_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from identra.testing.watching import Watch

SOON: Final = 1.0
"""Seconds in which `userinfo` answers or gives up, when the place answers or fails at once."""


class OAuth2Conformance(RedirectingConformance):
    """Give `replies`: the JSON of each URL that `userinfo` reads, for a person.

    `numbers` says that the place's ids are numbers: then the kit's people have such.
    """

    kind = OAuth2Provider
    numbers: ClassVar[bool] = False
    rules: ClassVar[tuple[Rule, ...]] = RULES

    def replies(self, person: Person) -> Mapping[str, Any]:
        """What the place answers about a person, by URL; her odd values as they are."""
        raise NotImplementedError

    def somebody(self, number: int = 70_000_001, **more: Any) -> Person:
        """A person whose id is as the place's are."""
        return Person(number, **more) if self.numbers else super().somebody(number, **more)

    def open_place(self) -> Place:
        """A place that answers what `replies` gives."""
        return Place(replies=self.replies)

    def settle_in(self, provider: OAuth2Provider) -> None:
        """Trade codes where this provider brings them."""
        self.place.token_url = provider.token_url

    def urls(self) -> tuple[str, ...]:
        """The token endpoint, and all that `userinfo` reads."""
        plain = [url.partition("?")[0] for url in self.replies(self.somebody())]
        return (self.place.token_url, *plain)

    async def call(self, provider: OAuth2Provider, watch: Watch) -> None:
        """Call `userinfo` beside every fault."""
        network = open_network(self.place.transport())
        try:
            upstream = network.upstream(provider.hosts)
            for fault in (None, *Fault):
                self.place.faults = dict.fromkeys(self.urls(), fault) if fault else {}
                token = self.place.grant(self.somebody())
                try:
                    await bounded(provider.userinfo(upstream, token), SOON)
                except TimeoutError:
                    beside = fault and fault.value
                    demand(False, f"userinfo took over {SOON:g} s beside {beside}")  # noqa: FBT003 - it is broken
                except Exception:  # noqa: BLE001, S110 - giving up is right
                    pass
                watch.demand_free()
        finally:
            await network.close()
