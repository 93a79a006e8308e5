"""PostgreSQL's own dangers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import servers

from identra.db import open_database

if TYPE_CHECKING:
    from identra.settings import Persistence

pytestmark = pytest.mark.parametrize("persistence", ["postgres"], indirect=True)


async def test_the_server_knows_who_calls(persistence: Persistence) -> None:
    db = await open_database(persistence)
    await db.ping()
    names = await servers.tell(
        persistence,
        "SELECT application_name FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    assert {name["application_name"] for name in names} == {"identra"}
    await db.close()
