"""`identra keys`: the ring that signs."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import instant, json_option, print_json, print_table

if TYPE_CHECKING:
    from pathlib import Path

    from identra.settings import Loaded


@click.group("keys")
def command() -> None:
    """The keys that sign tokens."""


@command.command("init")
@json_option
@config_option
def init(config: Path | None, *, as_json: bool) -> None:
    """Make the master key file and the first keys, each only where there is none."""
    loaded = read_settings(config)
    made = asyncio.run(_init(loaded))
    file = str(loaded.tree.keys.master_key_files[0])
    if as_json:
        print_json({"made": made, "master_key_file": file})
    else:
        click.echo(f"made the first keys, sealed by {file}" if made else "the keys exist already")


@command.command("list")
@json_option
@config_option
def list_(config: Path | None, *, as_json: bool) -> None:
    """Every key of the ring, newest first; never its private part."""
    rows = asyncio.run(_list(read_settings(config)))
    if as_json:
        print_json({"keys": rows})
        return
    shown = ("kid", "purpose", "algorithm", "state", "sealed_by", "changed_at")
    print_table(shown, [[row[name] for name in shown] for row in rows])


async def _init(loaded: Loaded) -> bool:
    from identra.app import make_first_keys, opened_database, settle_schema

    async with opened_database(loaded) as db:
        await settle_schema(db)
        return await make_first_keys(loaded, db)


async def _list(loaded: Loaded) -> list[dict[str, Any]]:
    from identra.app import opened_database, settle_schema
    from identra.keys import list_keys

    async with opened_database(loaded) as db:
        await settle_schema(db)
        rows = [asdict(row) for row in await list_keys(db)]
    for row in rows:
        row |= {name: instant(row[name]) for name in ("created_at", "changed_at")}
    return rows
