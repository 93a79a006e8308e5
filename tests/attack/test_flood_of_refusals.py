"""Refused sign-ins by the thousand leave a few rows, and hide nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from callers import open_house

from identra.attempts import AttemptLog
from identra.attempts.ration import EACH
from identra.limits import FAILING_PEER
from identra.trail import LENGTH

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Persistence


@pytest.mark.parametrize("persistence", ["sqlite"], indirect=True)
async def test_one_network_leaves_no_more_than_its_share(
    tmp_path: Path, persistence: Persistence
) -> None:
    async with open_house(tmp_path, persistence) as house:
        flood, her = house.caller(), house.caller()
        said = {"X-Request-ID": "r" * 64, "User-Agent": "u" * 4000}
        statuses = []
        for number in range(EACH + 10):
            body = {"email": f"victim-{number}@example.com", "code": "0" * 2000}
            statuses.append((await flood.say("/email/login", body, **said)).status_code)
        judged = FAILING_PEER.most
        assert statuses == [401] * judged + [429] * (EACH + 10 - judged)
        refused = await her.answer("ada@example.com", "000000")
        await house.app.login._attempts.write()  # type: ignore[attr-defined]
        t = house.app.database.tables.attempts
        rows = await house.app.database.fetch(t.select())
        assert [row["peer"] for row in rows].count(flood.network) == EACH
        assert all(len(row["trail"]) < LENGTH for row in rows)
        kept = await AttemptLog(house.app.database).find(refused.headers["X-Attempt-ID"])
        assert kept is not None
