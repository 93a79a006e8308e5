"""`identra copy`: everything into another database."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from identra.cli import config_option, read_settings

if TYPE_CHECKING:
    from identra.settings import Loaded


@click.command("copy")
@click.option(
    "--to",
    "to",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The settings of the other; variables of the environment say nothing about it.",
)
@config_option
def command(config: Path | None, to: Path) -> None:
    """Copy everything into another database, compare both, and tell how much it was.

    The nodes on this database must be stopped, or started with --read-only. Told again, a copy
    that was interrupted goes on.
    """
    from identra.settings import load

    count = asyncio.run(_copy(read_settings(config), load(to, {})))
    click.echo(f"{count} rows copied and compared")


async def _copy(loaded: Loaded, other: Loaded) -> int:
    from identra.app import opened_copying

    async with opened_copying(loaded, other) as copying:
        count = await copying.count()
        with click.progressbar(length=count, label="copying", file=sys.stderr) as bar:
            async for rows in copying.run():
                bar.update(rows)
        click.echo("comparing", err=True)
        await copying.verify()
    return count
