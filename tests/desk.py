"""An operator at a terminal, who looks after users; her letters leave by a real mail server."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from callers import House, open_house
from postbox import Postbox, open_postbox

from identra.cli import run

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest
    from homes import Sections

    from identra.settings import Persistence


@dataclass(frozen=True)
class Desk:
    """`identra users` on a node of this house. What she orders is done, or she is refused."""

    house: House
    box: Postbox
    capsys: pytest.CaptureFixture[str]

    async def order(self, *words: str) -> str:
        """Order what is done, and all of whose letters leave; what is printed."""
        code, out, err = await self.ask(*words)
        assert (code, err) == (0, ""), err
        return out.rstrip("\n")

    async def read(self, *words: str) -> Any:
        """The JSON that is printed."""
        return json.loads(await self.order(*words, "--json"))

    async def refused(self, *words: str) -> str:
        """Order what is refused; the one line that says so."""
        code, out, err = await self.ask(*words)
        assert (code, out) == (1, ""), out
        (line,) = err.splitlines()
        return line

    async def ask(self, *words: str) -> tuple[int, str, str]:
        """The exit code, and what is printed on both outputs."""
        self.capsys.readouterr()
        line = ["users", *words, "--config", str(self.house.settings)]
        code = await asyncio.to_thread(run, line)
        printed = self.capsys.readouterr()
        return code, printed.out, printed.err

    async def events(self, name: str) -> list[dict[str, Any]]:
        """What is recorded under a name, the oldest first: its data, and whose it is."""
        t = self.house.app.database.tables.events
        rows = await self.house.app.database.fetch(t.select().where(t.name == name).order_by(t.id))
        return [json.loads(row["data"]) | {"user_id": row["user_id"]} for row in rows]


@asynccontextmanager
async def open_desk(
    folder: Path,
    place: Persistence,
    capsys: pytest.CaptureFixture[str],
    *,
    sections: Sections | None = None,
    **more: Any,
) -> AsyncIterator[Desk]:
    """A house whose own letters stay in it, and a desk whose letters come into a postbox."""
    async with open_postbox() as box:
        smtp = {"host": "127.0.0.1", "port": box.port, "from": "id@example.com", "tls": "none"}
        said = {"smtp_mailer": smtp, "mail": {"application_name": "Acme"}} | (sections or {})
        async with open_house(folder, place, sections=said, **more) as house:
            yield Desk(house, box, capsys)
