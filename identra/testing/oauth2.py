"""Conformance of OAuth 2.0 places."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar, cast

from identra.errors import IdentraError
from identra.providers.oauth2 import OAuth2Provider
from identra.testing.case import Conformance, Rule, demand
from identra.testing.house import House, open_house, refused, user_of
from identra.testing.oauth2_rules import NO, RULES
from identra.testing.place import CLIENT_ID, REDIRECT, Person, Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from identra.login import Welcome


class OAuth2Conformance(Conformance):
    """Give `replies`: the JSON of each URL that `userinfo` reads, for a person.

    `numbers` says that the place's ids are numbers: then the kit's people have such.
    """

    numbers: ClassVar[bool] = False
    rules: ClassVar[tuple[Rule, ...]] = RULES

    place: Place  # no __init__: pytest collects no class that has one

    def replies(self, person: Person) -> Mapping[str, Any]:
        """What the place answers about a person, by URL; her odd values as they are."""
        raise NotImplementedError

    def somebody(self, number: int = 70_000_001, **more: Any) -> Person:
        """A person whose id is as the place's are."""
        return Person(number if self.numbers else f"u-{number}", **more)

    @property
    def make(self) -> type[OAuth2Provider]:
        """The provider class under test."""
        made: list[type[Any]] = self.module.providers()
        return next(one for one in made if issubclass(one, OAuth2Provider))

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """A house with the plugin and its place, both new."""
        self.place = Place(replies=self.replies)
        section = {
            "client_id": CLIENT_ID,
            "client_secret": self.place.secret,
            "redirect_url": REDIRECT,
            **({"plugin": self.make.name} if self.place_name != self.make.name else {}),
            **self.settings,
        }
        settings = {"providers": {self.place_name: section}}
        async with open_house(self.module, self.name, self.place, settings) as house:
            self.place.token_url = self.provider_in(house).token_url
            yield house

    def provider_in(self, house: House) -> OAuth2Provider:
        """The provider, opened."""
        provider = house.app.providers.oauth(self.place_name)
        demand(isinstance(provider, OAuth2Provider), "is no OAuth 2.0 place")
        return cast("OAuth2Provider", provider)

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
