"""`identra keys`: the ring that signs."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import instant, json_option, print_json, print_table
from identra.cli.rotating import add, promote, reseal, retire, revoke, rotate
from identra.errors import OperatorError

if TYPE_CHECKING:
    from identra.keys import KeyRow
    from identra.settings import Loaded


@click.group("keys")
def command() -> None:
    """The keys that sign tokens."""


for _each in (add, promote, retire, rotate, revoke, reseal):
    command.add_command(_each)


@command.command("new-master-key")
@click.argument("file", type=click.Path(path_type=Path))
@config_option
def new_master_key(config: Path | None, file: Path) -> None:  # noqa: ARG001 - every command takes it
    """Make a master key file, mode 0600, never over another one."""
    from identra.master import make_file

    if not make_file(file):
        raise OperatorError(f"{file}: there is a file already; name another")
    click.echo(f"made {file}; give every node a copy, and name it last in keys.master_key_files")


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
    shown = ("kid", "purpose", "algorithm", "state", "sealed_by", "changed_at", "due", "due_at")
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
        return [_row(key) for key in await list_keys(db)]


def _row(key: KeyRow) -> dict[str, Any]:
    """A key, and what is due to become of it, if that can be foreseen."""
    due = {"passive": ("promote", key.signs_from), "former": ("retire", key.needed_until)}
    step, at = due.get(key.state, (None, None))
    told = asdict(key) | {"due": step, "due_at": instant(at)}
    return told | {name: instant(told[name]) for name in ("created_at", "changed_at", "signs_from")}
