"""`identra migrate`: bring the database's tables up to this release."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from identra.cli import config_option, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Loaded


@click.command("migrate")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if there is something to do.")
@config_option
def command(config: Path | None, *, check: bool) -> int:
    """Bring the database's tables up to this release."""
    loaded = read_settings(config)
    if check:
        waiting = asyncio.run(_pending(loaded))
        click.echo("\n".join(f"pending: {name}" for name in waiting) or "up to date")
        return 1 if waiting else 0
    taken = asyncio.run(_migrate(loaded))
    click.echo("\n".join(f"done: {name}" for name in taken) or "up to date")
    return 0


async def _pending(loaded: Loaded) -> list[str]:
    from identra.app import opened_database
    from identra.db.migrations import pending

    async with opened_database(loaded) as db:
        return [f"{step.number:04} {step.name}" for step in await pending(db)]


async def _migrate(loaded: Loaded) -> list[str]:
    from identra.app import opened_database
    from identra.db.migrations import migrate

    async with opened_database(loaded) as db:
        return [f"{step.number:04} {step.name}" for step in await migrate(db)]
