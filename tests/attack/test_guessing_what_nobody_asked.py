"""Attack: answer codes that nobody asked for, to hold up everybody who answers hers.

A database writes one row at a time. Answers for different addresses from different networks must
share none, or a flood of wrong ones has all of them stand in one queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import asyncpg
import pytest
import servers
from homes import HERE, open_home

from identra.errors import InvalidCode
from identra.values import Peer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from identra.settings import Persistence


@pytest.fixture
def place(postgres_server: Persistence, postgres_template: str) -> Iterator[Persistence]:
    with servers.fresh_database(postgres_server, postgres_template) as fresh:
        yield fresh


async def test_an_answer_for_one_address_waits_for_none_of_another(
    tmp_path: Path, place: Persistence
) -> None:
    async with open_home(tmp_path, place) as app:

        async def answer(email: str, peer: Peer) -> None:
            with pytest.raises(InvalidCode):
                await app.login.complete_code("email", email, "123456", peer, bearer=None)

        await answer("one@example.com", HERE)
        other = await asyncpg.connect(
            host=place.host, port=place.port, user=place.user, database=place.name
        )
        try:
            await other.execute("BEGIN")
            await other.fetch("SELECT * FROM identra_state FOR UPDATE")
            await answer("another@example.com", Peer("198.51.100.1"))
        finally:
            await other.close()
