"""What operators see of allowances, and give back; what is given back is on record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from identra import address
from identra.errors import InvalidArgument, NotFound
from identra.limits import network_of, owner
from identra.providers.code import counted
from identra.values import Peer, plain

if TYPE_CHECKING:
    from identra.acquaintance import Acquaintance
    from identra.events import Events
    from identra.limits import Entry, Ledger
    from identra.loader import Providers
    from identra.users import Users

OPERATOR: Final = "operator"
ECHOED: Final = 64
"""Characters of what was asked that a refusal says again."""


class Relief:
    """Shows and releases. `who` is a user id, an address, `PROVIDER:RECIPIENT`, or nobody.

    `at` is a network address, or empty; a user's networks of late are known without it.
    """

    def __init__(
        self,
        ledger: Ledger,
        providers: Providers,
        users: Users,
        acquaintance: Acquaintance,
        events: Events,
    ) -> None:
        self._ledger = ledger
        self._providers = providers
        self._users = users
        self._acquaintance = acquaintance
        self._events = events

    async def show(self, who: str, at: str) -> tuple[Entry, ...]:
        """What is spent. Raises NotFound, InvalidArgument."""
        network = _network(at)
        found: list[Entry] = []
        if network and not who:
            found += await self._ledger.read_network(network)
        for subject in await self._subjects(who):
            for one in await self._networks(subject, network):
                found += await self._ledger.read(subject, one)
        return tuple(dict.fromkeys(entry for entry in found if entry.spent or entry.state))

    async def release(self, who: str, at: str, *, by: str = OPERATOR) -> tuple[Entry, ...]:
        """Give back what `show` shows; that it was. `by` is who does it, for the record."""
        given, network = await self.show(who, at), _network(at)
        if network and not who:
            await self._ledger.clear_network(network)
            await self._events.record("limit.released", by=by, network=network)
        for subject in await self._subjects(who):
            for one in await self._networks(subject, network):
                await self._ledger.clear(subject, one)
            await self._acquaintance.released(subject, by)
        return given

    async def _networks(self, subject: str, named: str | None) -> list[str | None]:
        """The network that is named, and those from which the subject's user logged in of late."""
        known = await self._acquaintance.networks(subject)
        return list(dict.fromkeys([named, *known])) if named else [None, *known]

    async def _subjects(self, who: str) -> tuple[str, ...]:
        """Whom allowances may be about, where somebody is named."""
        if not who:
            return ()
        if ":" in who:
            return (self._counted(*who.split(":", 1)),)
        if "@" in who:
            return self._of_address(address.spell(who))
        user = await self._users.user(who)
        if user is None:
            raise NotFound(f"no user {who}")
        hers = [self._of_address(own.email) for own in user.addresses]
        channels = {provider.name for provider in self._providers.codes}
        theirs = [f"{i.provider}:{i.subject}" for i in user.identities if i.provider in channels]
        return (owner(who), *(subject for each in hers for subject in each), *theirs)

    def _of_address(self, email: str) -> tuple[str, ...]:
        mailed = {counted(one, email) for one in self._providers.codes if one.by_mail}
        return (*mailed, *(f"{one.name}:{email}" for one in self._providers.secrets))

    def _counted(self, provider: str, recipient: str) -> str:
        codes = {one.name: one for one in self._providers.codes}
        names = (*codes, *(one.name for one in self._providers.secrets))
        if provider not in names:
            told = plain(provider, ECHOED)
            raise InvalidArgument.of("who", f"{told} is not one of {', '.join(names)}")
        found = codes.get(provider)
        return counted(found, recipient) if found else f"{provider}:{recipient}"


def _network(at: str) -> str | None:
    try:
        return network_of(Peer(at))
    except ValueError as fault:
        told = plain(at, ECHOED)
        raise InvalidArgument.of("peer", f"{told} is no network address") from fault
