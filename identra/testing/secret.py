"""Conformance of kinds of secret."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, Final

from identra.testing.case import Conformance, Rule, demand
from identra.testing.house import NOBODY, House, open_house, refused, user_of
from identra.testing.place import Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from identra.providers.secret import SecretProvider
    from identra.testing.watching import Watch

EMAIL: Final = "ada@example.com"
ODD: Final = ("", "\0", "a" * 128, "ü" * 128, " " * 20, "0" * 64)


async def accepts_and_knows(case: SecretConformance, _: Watch) -> None:
    """An acceptable secret opens its own account, and no other does."""
    async with case.house() as house:
        registering, name = house.app.registration, case.place_name
        pair = await registering.begin(name, EMAIL, case.acceptable, NOBODY)
        demand(pair, "an acceptable secret was not registered")
        again = await house.app.login.by_secret(name, EMAIL, case.acceptable, NOBODY)
        demand(pair and user_of(again) == user_of(pair), "the secret opened another account")
        wrong = house.app.login.by_secret(name, EMAIL, f"{case.acceptable}!", NOBODY)
        demand(await refused(wrong, "INVALID_CREDENTIALS"), "a wrong secret let somebody in")


async def objects(case: SecretConformance, _: Watch) -> None:
    """What it refuses is refused with a sentence that does not repeat it."""
    async with case.house() as house:
        for secret in case.refused:
            act = house.app.registration.begin(case.place_name, EMAIL, secret, NOBODY)
            demand(await refused(act, "INVALID_ARGUMENT"), "a secret to be refused was accepted")
        provider = case.provider_in(house)
        for secret in (*case.refused, *ODD):
            why: object = provider.objection(secret, EMAIL)
            demand(why is None or isinstance(why, str), "objection gave no sentence, nor None")
            repeats = len(secret) > 1 and secret.strip() and secret in str(why)
            demand(not repeats, "a sentence repeats the secret")


async def writes_no_secret(case: SecretConformance, watch: Watch) -> None:
    """No secret is written out."""
    async with case.house() as house:
        await house.app.registration.begin(case.place_name, EMAIL, case.acceptable, NOBODY)
        for secret in case.refused:
            case.provider_in(house).objection(secret, EMAIL)
    demand(not watch.saw({case.acceptable, *case.refused}), "a secret was written out")


async def is_quick(case: SecretConformance, watch: Watch) -> None:
    """It reaches nobody, and holds nobody up."""
    async with case.house() as house:
        for secret in (case.acceptable, *case.refused, *ODD):
            case.provider_in(house).objection(secret, EMAIL)
            await asyncio.sleep(0)
            watch.demand_free()


class SecretConformance(Conformance):
    """Give one secret that is acceptable, and some that this provider refuses."""

    acceptable: ClassVar[str] = "correct horse battery staple"
    refused: ClassVar[tuple[str, ...]] = ()
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("an_acceptable_secret", accepts_and_knows),
        Rule("objections", objects),
        Rule("no_secret_in_logs", writes_no_secret),
        Rule("in_time", is_quick),
    )

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """A house with the plugin."""
        settings = {"providers": {self.place_name: dict(self.settings)}}
        async with open_house(self.module, self.name, Place(), settings) as house:
            yield house

    def provider_in(self, house: House) -> SecretProvider:
        """The provider, opened."""
        return house.app.providers.secret(self.place_name)
