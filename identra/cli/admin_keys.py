"""`identra admin-keys`: the keys of programs that do what operators do."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from identra.adminkeys import LONGEST_LIFE, NAME, SCOPES
from identra.cli import config_option, read_settings
from identra.cli.printing import instant, json_option, print_json, print_table
from identra.values import DAY, SECOND

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from identra.adminkeys import AdminKey, AdminKeys, Scope

_SHOWN = ("name", "id", "scopes", "state", "expires_at", "last_used_at")


@click.group("admin-keys")
def command() -> None:
    """The keys of programs that do what operators do."""


@command.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    help="What it may do; may be said again.",
)
@click.option("--expires", default="90d", show_default=True, help="For how long: 12h, 90d.")
@json_option
@config_option
def create(
    config: Path | None, name: str, scopes: tuple[Scope, ...], expires: str, *, as_json: bool
) -> None:
    """Make a key, and print it this once."""
    _demand_name(name)
    life = _life(expires)
    key, written = _run(config, lambda keys: keys.create(name, scopes, life=life))
    if as_json:
        print_json({"key": written} | _row(key))
        return
    click.echo(f"{key.name} ends {instant(key.expires_at)}; this is told once:", err=True)
    click.echo(written)


@command.command("list")
@json_option
@config_option
def list_(config: Path | None, *, as_json: bool) -> None:
    """Every key, newest first, those that are over too; never the key itself."""
    rows = [_row(key) for key in _run(config, lambda keys: keys.list())]
    if as_json:
        print_json({"admin_keys": rows})
        return
    shown = [row | {"scopes": " ".join(row["scopes"])} for row in rows]
    print_table(_SHOWN, [[row[name] for name in _SHOWN] for row in shown])


@command.command("revoke")
@click.argument("name")
@json_option
@config_option
def revoke(config: Path | None, name: str, *, as_json: bool) -> None:
    """Take a key back, from its next call on."""
    changed = _run(config, lambda keys: keys.revoke(name))
    if as_json:
        print_json({"name": name, "revoked": changed})
    else:
        click.echo("revoked" if changed else "was revoked already")


def _demand_name(name: str) -> None:
    if not NAME.fullmatch(name):
        says = "lower-case letters, digits, dots, hyphens and underscores, at most 64"
        raise click.UsageError(f"NAME: {says}")


def _life(expires: str) -> int:
    from identra.settings import parse_duration

    try:
        life = parse_duration(expires) * SECOND
    except ValueError as fault:
        raise click.UsageError(f"--expires: {fault}") from fault
    if not 0 < life <= LONGEST_LIFE:
        raise click.UsageError(f"--expires: from 1s to {LONGEST_LIFE // DAY}d")
    return life


def _run(config: Path | None, act: Callable[[AdminKeys], Awaitable[Any]]) -> Any:
    loaded = read_settings(config)

    async def inside() -> Any:
        from identra.app import opened_admin_keys

        async with opened_admin_keys(loaded) as keys:
            return await act(keys)

    return asyncio.run(inside())


def _row(key: AdminKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "id": key.key_id,
        "scopes": list(key.scopes),
        "state": _state(key),
        "created_at": instant(key.created_at),
        "expires_at": instant(key.expires_at),
        "revoked_at": instant(key.revoked_at),
        "last_used_at": instant(key.last_used_at),
    }


def _state(key: AdminKey) -> str:
    from identra.app.opening import system_clock

    if key.revoked_at is not None:
        return "revoked"
    return "live" if key.live(system_clock()) else "expired"
