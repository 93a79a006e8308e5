"""Attack: let a user in again in the very moment in which another operator deletes her for good."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from callers import open_house
from clerks import LET_IN, clerk

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence


async def test_nobody_is_told_that_she_is_gone_who_is_still_there(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence, sections=LET_IN) as house:
        desk = await clerk(house)
        for number in range(5):
            made = await desk.say("/admin/users", {"email": f"ada{number}@example.com"})
            path = f"/admin/users/{made['user_id']}"
            enabling = (desk.say(f"{path}/enable") for _ in range(4))
            told, *_ = await asyncio.gather(desk.end(path, grace="none"), *enabling)
            gone = await desk.ask(path) == "NOT_FOUND"
            assert told == ({} if gone else "STORE_UNAVAILABLE")
