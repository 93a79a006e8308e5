"""Conformance of providers whose codes the core itself mails."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, Final

from identra.testing.case import Conformance, Rule, demand
from identra.testing.house import NOBODY, House, open_house, refused, user_of
from identra.testing.place import Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from identra.providers.code import CodeProvider
    from identra.testing.watching import Watch
    from identra.values import Message

ADA: Final = "ada@example.com"
BEA: Final = "bea@example.com"


async def starts(case: MailConformance, _: Watch) -> None:
    """It is taken at the door, and the core mails for it."""
    async with case.house() as house:
        demand(case.provider_in(house).by_mail, "its codes leave by no mail; see CodeConformance")


async def mails_once(case: MailConformance, _: Watch) -> None:
    """One mail goes out, and its code lets its reader in, once, and proves her address."""
    async with case.house() as house:
        letters = await case.ask(house, ADA)
        demand(len(letters) == 1, f"{len(letters)} mails left for one code")
        code, login = _code(letters[0]), house.app.login
        pair = await login.complete_code(case.place_name, ADA, code, NOBODY, bearer=None)
        again = login.complete_code(case.place_name, ADA, code, NOBODY, bearer=None)
        demand(await refused(again, "INVALID_CODE"), "a code is good twice")
        user = await house.app.users.user(user_of(pair))
        address = user.address if user else None
        proved = address is not None and address.proved_at is not None
        demand(proved and address and address.email == ADA, "a right code proved no address")
        demand(user and not user.identities, "a mailed code left an identity")


async def links_to_one_page(case: MailConformance, _: Watch) -> None:
    """What link there is leads everybody to one page, and brings the code and nothing else."""
    async with case.house() as house:
        carries = case.provider_in(house).with_link
        pages = set()
        for to in (ADA, BEA):
            (letter,) = await case.ask(house, to)
            links = re.findall(r"[a-z][a-z0-9+.-]*://\S+", letter.text)
            demand(len(links) == carries, f"the mail has {len(links)} links")
            for link in links:
                page, _hash, brought = link.partition("#")
                demand(brought == f"code={_code(letter)}", "the link brings something else")
                pages.add(page)
        demand(len(pages) == carries, "the link leads each person elsewhere")


class MailConformance(Conformance):
    """There is nothing to give but the plugin: the core spells, mails and compares."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("starts", starts),
        Rule("one_mail", mails_once),
        Rule("one_page", links_to_one_page),
    )

    @asynccontextmanager
    async def house(self) -> AsyncIterator[House]:
        """A house with the plugin."""
        settings = {"providers": {self.place_name: dict(self.settings)}}
        async with open_house(self.module, self.name, Place(), settings) as house:
            yield house

    def provider_in(self, house: House) -> CodeProvider:
        """The provider, opened."""
        return house.app.providers.code(self.place_name)

    async def ask(self, house: House, to: str) -> tuple[Message, ...]:
        """The mails that leave when somebody asks for a code."""
        before = len(house.outbox.messages)
        await house.app.login.begin_code(self.place_name, to, NOBODY, use_html=False)
        return tuple(house.outbox.messages)[before:]


def _code(letter: Message) -> str:
    found = re.search(r"\b\d{6}\b", letter.text)
    demand(found, "the mail has no code")
    return found[0] if found else ""
