"""What commands have done by the operators' room, and what became of the letters about it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, TypeVar

import click

from identra.cli import read_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from identra.office import Office

BY: Final = "operator"
"""Who acts at the command line: so the events say."""

T = TypeVar("T")


def act(config: Path | None, body: Callable[[Office], Awaitable[T]]) -> T:
    """Have something done, and wait until the letters about it left.

    What is done stands, whatever becomes of them: of each that did not leave a line on stderr says
    so.
    """
    loaded = read_settings(config)

    async def inside() -> T:
        from identra.app import opened_office
        from identra.log import faults_told

        with faults_told():
            async with opened_office(loaded, _tell_unsent) as office:
                return await body(office)

    return asyncio.run(inside())


def _tell_unsent(letter: str, cause: str) -> None:
    click.echo(f"identra: it is done, but the letter {letter} did not leave: {cause}", err=True)
