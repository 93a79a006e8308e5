"""What was overtaken is begun again, for a while."""

from __future__ import annotations

import pytest

from identra.db import Duplicate, Overtaken
from identra.db.overtaken import again


class Body:
    """Overtaken so many times, then done."""

    def __init__(self, overtaken: int, end: Exception | None = None) -> None:
        self.left = overtaken
        self.end = end

    async def __call__(self) -> str:
        if self.left:
            self.left -= 1
            raise Overtaken("by another")
        if self.end:
            raise self.end
        return "done"


async def test_it_is_begun_again_until_it_is_done() -> None:
    assert await again(Body(0), limit=2) == "done"
    assert await again(Body(5), limit=2) == "done"


async def test_after_its_time_it_is_given_up() -> None:
    body = Body(1_000_000)
    with pytest.raises(Overtaken):
        await again(body, limit=0.02)
    assert 1_000_000 - body.left > 1


async def test_any_other_end_is_its_end() -> None:
    with pytest.raises(Duplicate):
        await again(Body(2, Duplicate()), limit=2)
