"""A whole house for a plugin under test: the real rooms on SQLite, its network a stand-in."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from identra.app import App, Swapped, build
from identra.errors import IdentraError
from identra.mail import Outbox
from identra.roundtrip import Departure, Return
from identra.settings import Loaded, SettingsTree
from identra.testing.case import demand
from identra.testing.premises import furnish
from identra.tokens import split
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Mapping
    from types import ModuleType

    from identra.login import Welcome
    from identra.testing.clock import FrozenClock
    from identra.testing.place import Person, Place
    from identra.values import Message, TokenPair

NOBODY: Final = Peer()
"""An end of the network that no allowance counts."""


@dataclass(frozen=True)
class House:
    """An open house and the place that its plugin reaches."""

    app: App
    place: Place
    outbox: Outbox

    async def sign_in(self, provider: str, person: Person) -> Welcome:
        """Go to the place as this person and come back. Raises as the login."""
        code, state = await self.depart(provider, person)
        return await self.come_back(code, state)

    async def depart(self, provider: str, person: Person) -> tuple[str, str]:
        """Begin, and say yes at the place: the code and the state that it sends back."""
        prompt = await self.app.login.begin_oauth(Departure(provider), NOBODY, bearer=None)
        code, state = self.place.approve(prompt.url, person)
        self.place.secrets.add(prompt.state)
        return code, state

    async def come_back(self, code: str, state: str, iss: str | None = None) -> Welcome:
        """Bring to the house what the place sent back."""
        back = Return(code, state, iss=iss)
        welcome = await self.app.login.complete_oauth(back, NOBODY)
        self.keep(welcome.token)
        return welcome

    def keep(self, pair: TokenPair) -> None:
        """Remember what must be seen nowhere."""
        self.place.secrets.update({pair.access_token.token, pair.refresh_token.token})

    async def owner(self, email: str) -> str:
        """Somebody who proved an address here by a mailed code; her user id."""
        await self.app.login.begin_code("email", email, NOBODY, use_html=False)
        code = _digits(self.outbox.messages[-1])
        pair = await self.app.login.complete_code("email", email, code, NOBODY, bearer=None)
        return user_of(pair)

    async def rows(self) -> int:
        """How many users, addresses, identities and sessions there are in all."""
        db, t = self.app.database, self.app.database.tables
        tables: tuple[Any, ...] = (t.users, t.emails, t.identities, t.sessions)
        return sum([len(await db.fetch(table.select())) for table in tables])


def user_of(pair: TokenPair) -> str:
    """Whom a token pair is for."""
    return str(split(pair.access_token.token)[1]["sub"])


async def refused(act: Awaitable[Any], *reasons: str) -> bool:
    """Whether it came to one of these refusals; False where it succeeded.

    Any other failure breaks the rule: Broken.
    """
    try:
        await act
    except IdentraError as failure:
        demand(failure.reason in reasons, f"answered {failure.reason}, not {' or '.join(reasons)}")
        return True
    return False


@asynccontextmanager
async def open_house(
    plugin: ModuleType,
    name: str,
    place: Place,
    settings: Mapping[str, Mapping[str, Any]],
    clock: FrozenClock | None = None,
) -> AsyncIterator[House]:
    """A house with one plugin more than it has by itself, on an empty database of its own.

    `settings` are further sections, such as `providers`.
    """
    with TemporaryDirectory() as folder:
        base = await furnish(Path(folder))
        required = {"plugins": {"required": [name]}}
        loaded = Loaded(SettingsTree.model_validate({**base, **required, **settings}), None, ())
        outbox = Quiet()
        swapped = Swapped(clock, place.transport(), outbox, {name: plugin})
        app = await build(loaded, swapped=swapped)
        try:
            yield House(app, place, outbox)
        finally:
            await app.close()


class Quiet(Outbox):
    """Keeps mail and shows it nowhere."""

    def post(self, message: Message) -> None:
        """Keep it."""
        self._messages.append(message)


def _digits(message: Message) -> str:
    return next(word.strip(".") for word in message.text.split() if word.strip(".").isdigit())
