"""An operator at a terminal: orders of the key ring, and what is printed of them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from identra.cli import run

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


class Operator:
    """Somebody at a terminal on a node with these settings; nobody answers her questions."""

    def __init__(self, settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._settings = settings
        self._capsys = capsys

    async def order(self, *words: str) -> Any:
        """Order what is done; the JSON it prints."""
        assert await self._run(*words, "--json") == 0, self._capsys.readouterr().err
        return json.loads(self._capsys.readouterr().out)

    async def refused(self, *words: str) -> str:
        """Order what is refused; the one line it prints."""
        assert await self._run(*words) == 1
        printed = self._capsys.readouterr()
        assert printed.out == ""
        return printed.err

    async def keys(self, **which: str) -> list[dict[str, Any]]:
        """The keys of which all this holds."""
        listed = (await self.order("list"))["keys"]
        return [key for key in listed if which.items() <= key.items()]

    async def kid(self, **which: str) -> str:
        """The one key of which all this holds."""
        (key,) = await self.keys(**which)
        return str(key["kid"])

    async def _run(self, *words: str) -> int:
        self._capsys.readouterr()
        return await asyncio.to_thread(run, ["keys", *words, "--config", str(self._settings)])
