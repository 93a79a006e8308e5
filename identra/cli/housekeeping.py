"""`identra housekeeping`: remove what is over, once."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import json_option, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from identra.housekeeping import Swept
    from identra.settings import Loaded


@click.command("housekeeping")
@json_option
@config_option
def command(config: Path | None, *, as_json: bool) -> None:
    """Remove ended sessions, expired state and old events; safe beside a running service."""
    removed = asdict(asyncio.run(_sweep(read_settings(config))))
    if as_json:
        print_json({"removed": removed})
        return
    click.echo(", ".join(f"{count} {name}" for name, count in removed.items()) + " removed")


async def _sweep(loaded: Loaded) -> Swept:
    from identra.app import opened_housekeeping

    async with opened_housekeeping(loaded) as housekeeping:
        return await housekeeping.sweep()
