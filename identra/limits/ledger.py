"""What is counted of a subject or a network, for operators to read and to give back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from identra.limits.allowances import (
    ACCOUNT,
    GUESSING,
    IN_A_ROW,
    OF_NETWORKS,
    SECRET,
    SENDING,
    key_of,
    shares_of,
)
from identra.limits.room import RESTED, SECRET_KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from identra.limits.allowances import Share
    from identra.state import Counts

ALL: Final = "all"
State: TypeAlias = Literal["", "spent", "waits", "rests"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A count: of which allowance, of whom, from which network or `all`, and what it comes to.

    `seconds` until it is whole again; a secret that rests is not so by itself. `subject` is empty
    where the network itself is counted.
    """

    subject: str
    limit: str
    network: str
    spent: int
    most: int
    seconds: int
    state: State


class Ledger:
    """Reads counts and removes them."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    async def read(self, subject: str, network: str | None) -> tuple[Entry, ...]:
        """What a subject has spent: from this network if one is named, and from all."""
        plain = [
            await self._entry(subject, share, share.key, network)
            for allowance in (*SENDING, *GUESSING, *ACCOUNT)
            for share in shares_of(allowance, subject, network)
        ]
        secrets = [
            entry
            for share in shares_of(SECRET, subject, network)
            for entry in await self._secret(subject, share, network)
        ]
        return (*plain, *secrets)

    async def read_network(self, network: str) -> tuple[Entry, ...]:
        """What a network has spent of its own, whoever its acts were about."""
        entries = []
        for allowance in OF_NETWORKS:
            key, most = key_of(allowance, network), allowance.most
            count = await self._counts.count(key, ttl=allowance.window, by=0)
            state: State = "spent" if count.value >= most else ""
            entry = Entry("", allowance.name, network, count.value, most, count.left, state)
            entries.append(entry)
        return tuple(entries)

    async def clear(self, subject: str, network: str | None) -> None:
        """Forget all that a subject has spent, as `read` tells it."""
        for key in _keys(subject, network):
            await self._counts.take(key)

    async def clear_network(self, network: str) -> None:
        """Forget all that a network has spent of its own."""
        for allowance in OF_NETWORKS:
            await self._counts.take(key_of(allowance, network))

    async def _entry(self, subject: str, share: Share, key: str, network: str | None) -> Entry:
        count = await self._counts.count(key, ttl=share.allowance.window, by=0)
        return Entry(
            subject,
            share.allowance.name,
            ALL if share.everywhere else network or ALL,
            count.value,
            share.most,
            count.left,
            "spent" if count.value >= share.most else "",
        )

    async def _secret(self, subject: str, share: Share, network: str | None) -> tuple[Entry, Entry]:
        """The tries and what follows of them, and the failures in a row."""
        tried = await self._entry(subject, share, f"{share.key}:tries", network)
        waits = await self._counts.count(f"{share.key}:wait", ttl=SECRET.longest, by=0)
        row = await self._counts.count(f"{share.key}:row", ttl=IN_A_ROW.window, by=0)
        state: State = "rests" if waits.value >= RESTED else "waits" if waits.value else ""
        seconds = waits.left if state == "waits" else tried.seconds
        return (
            Entry(subject, SECRET.name, tried.network, tried.spent, share.most, seconds, state),
            Entry(subject, IN_A_ROW.name, tried.network, row.value, IN_A_ROW.most, row.left, ""),
        )


def _keys(subject: str, network: str | None) -> Iterator[str]:
    for allowance in (*SENDING, *GUESSING, *ACCOUNT):
        yield from (share.key for share in shares_of(allowance, subject, network))
    for share in shares_of(SECRET, subject, network):
        yield from (f"{share.key}:{kept}" for kept in SECRET_KEYS)
