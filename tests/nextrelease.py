"""The release after this one, and the one after that, as far as a database knows them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from identra.db import open_database
from identra.db.migrations import STEPS, Step, migrate
from identra.db.schema import (
    Column,
    Fill,
    Index,
    NoColumn,
    NoIndex,
    NoTable,
    Shape,
    instant,
    text,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from identra.settings import Persistence

HERE = STEPS[-1].number
EXPANDS = Step(
    HERE + 1,
    "expands",
    needs=STEPS[-1].needs,
    changes=(
        Column("identra_users", words("tongue", 16, default="it's")),
        Column("identra_users", words("motto", 64, null=True)),
        Column("identra_users", text("about", default="none")),
        Column("identra_sessions", instant("hops", default=0)),
        Shape(
            "identra_pets",
            (words("id"), words("user_id"), text("story", default="short")),
            indexes=("user_id",),
            belongs_to="identra_users",
        ),
        Column("identra_pets", words("name", 20, null=True)),
        Index("identra_events", ("name", "at")),
        Index("identra_users", ("motto",), unique=True),
        Fill("identra_users", "motto", '"id"'),
    ),
)
"""Adds columns, a table and indexes, and leaves this release working."""

CONTRACTS = Step(
    HERE + 2,
    "contracts",
    needs=HERE + 1,
    changes=(
        NoColumn("identra_users", "disabled_reason"),
        NoIndex(Index("identra_users", ("motto",), unique=True)),
        NoIndex(Index("identra_events", ("user_id",))),
        NoTable("identra_pets"),
    ),
)
"""Removes what this release still uses."""

NEXT = (*STEPS, EXPANDS)
AFTER_NEXT = (*NEXT, CONTRACTS)


async def upgrade(place: Persistence, steps: Sequence[Step] = NEXT) -> list[Step]:
    """What `identra migrate` of a later release does; the steps taken."""
    db = await open_database(place)
    try:
        return await migrate(db, steps)
    finally:
        await db.close()


def told(place: Persistence) -> str:
    """A database's settings for another process, to be said to it and not be an argument of it."""
    secret = place.password.get_secret_value() if place.password else None
    return json.dumps(place.model_dump(mode="json") | {"password": secret})
