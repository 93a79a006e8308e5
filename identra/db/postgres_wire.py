"""A connection of asyncpg's as its pool sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT: Final = 2.0
STATEMENT: Final = 2.0
RECOVER: Final = 1.0
"""Seconds for a connection to come into step again."""
MARGIN: Final = 1.0
"""Seconds to take leave of the server."""

LOST: Final = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""How asyncpg says that a connection is gone: the last, when it learns so between two calls."""


class Wire:
    """A connection, for one caller at a time. Nothing here sets session state: none is reset."""

    def __init__(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        self.connection = connection

    @property
    def usable(self) -> bool:
        """Whether it is open as far as is known, and in no transaction."""
        return not self.connection.is_closed() and not self.connection.is_in_transaction()

    async def recover(self) -> None:
        """Come into step after a statement was given up, or hang up.

        asyncpg takes it back from the server first, on a connection of its own, and lets nothing
        else be asked until the server has ended it.
        """
        try:
            await self.connection.execute("SELECT 1", timeout=RECOVER)
        except (*LOST, asyncpg.PostgresError):
            self.drop()

    def drop(self) -> None:
        """Hang up; the server undoes what was open."""
        self.connection.terminate()

    async def close(self) -> None:
        """Say goodbye and hang up."""
        try:
            await self.connection.close(timeout=MARGIN)
        except (*LOST, asyncpg.PostgresError):
            self.drop()


async def connect(where: Mapping[str, Any], session: Mapping[str, str]) -> Wire:
    """Reach the server, within CONNECT seconds. Raises asyncpg's errors, OSError, TimeoutError."""
    connection = await asyncpg.connect(
        **where,
        timeout=CONNECT,
        command_timeout=STATEMENT,
        server_settings={
            "application_name": "identra",
            "statement_timeout": str(int(STATEMENT * 1000)),
            **session,
        },
    )
    return Wire(connection)
