"""What the rules share for the two kinds that send people to another place."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from identra.errors import IdentraError
from identra.testing.case import Conformance, demand
from identra.testing.house import House, open_house, refused, user_of
from identra.testing.place import CLIENT_ID, REDIRECT, Person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from identra.login import Welcome
    from identra.providers.redirecting import RedirectingProvider
    from identra.testing.clock import FrozenClock
    from identra.testing.place import Place
    from identra.testing.watching import Watch

NO = ("PROVIDER_REFUSED", "PROVIDER_UNAVAILABLE")


class RedirectingConformance(Conformance):
    """Subclass that of a kind, not this."""

    kind: ClassVar[type[RedirectingProvider]]
    place: Place  # no __init__: pytest collects no class that has one
    clock: FrozenClock | None = None

    def open_place(self) -> Place:
        """A place of the kind, new, with its author's canned answers."""
        raise NotImplementedError

    def settle_in(self, provider: Any) -> None:
        """Let the place answer where this provider asks."""
        raise NotImplementedError

    def urls(self) -> tuple[str, ...]:
        """Every URL that a sign-in may ask."""
        raise NotImplementedError

    async def call(self, provider: Any, watch: Watch) -> None:
        """Call the provider's own code beside every fault, within its time. Raises Broken."""
        raise NotImplementedError

    def let_it_grow_old(self) -> None:
        """Let time go by, until nothing that the place said before is believed unasked."""

    def somebody(self, number: int = 70_000_001, **more: Any) -> Person:
        """A person whose id is as the place's are."""
        return Person(f"u-{number}", **more)

    def subject_of(self, provider: Any, person: Person) -> str:
        """The subject of her identity."""
        del provider
        return str(person.subject)

    @property
    def make(self) -> type[RedirectingProvider]:
        """The provider class under test: the one of its name, or the plugin's first of the kind."""
        brought: list[type[Any]] = self.module.providers()
        made = [one for one in brought if issubclass(one, self.kind)]
        return next((one for one in made if one.name == self.place_name), made[0])

    @property
    def looks_at(self) -> str:
        """Its name."""
        return self.make.name

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """A house with the plugin and its place, both new."""
        self.place = self.open_place()
        section = {
            "client_id": CLIENT_ID,
            "client_secret": self.place.secret,
            "redirect_url": REDIRECT,
            **({"plugin": self.make.name} if self.place_name != self.make.name else {}),
            **self.settings,
        }
        settings = {"providers": {self.place_name: section}}
        opened = open_house(self.module, self.name, self.place, settings, self.clock)
        async with opened as house:
            self.settle_in(self.provider_in(house))
            yield house

    def provider_in(self, house: House) -> RedirectingProvider:
        """The provider, opened."""
        provider = house.app.providers.oauth(self.place_name)
        demand(isinstance(provider, self.kind), f"is no {self.kind.__name__}")
        return provider

    async def is_refused(self, house: House, person: Person) -> bool:
        """Whether somebody is refused cleanly, by the place or for its answer."""
        return await refused(house.sign_in(self.place_name, person), *NO)

    async def email_of(self, house: House, person: Person) -> str:
        """The vouched address with which somebody came in; none if she was refused."""
        try:
            return (await house.sign_in(self.place_name, person)).email
        except IdentraError as failure:
            demand(failure.reason in NO, f"answered {failure.reason}")
            return ""

    async def identities(self, house: House, welcome: Welcome) -> list[str]:
        """The subjects of the identities of whoever was let in."""
        user = await house.app.users.user(user_of(welcome.token))
        return [one.subject for one in user.identities] if user else []

    async def demand_two(self, one: Person, two: Person, what: str) -> None:
        """Two people are two users, or refused."""
        async with self.house() as house:
            if await self.is_refused(house, one) or await self.is_refused(house, two):
                return
            users = [
                user_of((await house.sign_in(self.place_name, who)).token) for who in (one, two)
            ]
            demand(users[0] != users[1], f"two {what} became one user")
