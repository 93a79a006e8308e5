"""`identra limits`: what is spent, and giving it back."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import json_option, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from identra.limits import Entry
    from identra.relief import Relief

who_argument = click.argument(
    "who", metavar="[USER_ID|EMAIL|PROVIDER:RECIPIENT]", required=False, default=""
)
peer_option = click.option(
    "--peer", default="", metavar="ADDRESS", help="The network address of whoever calls."
)
SHOWN = ("subject", "limit", "network", "spent", "most", "seconds", "state")


@click.group("limits")
def command() -> None:
    """What is spent of allowances."""


@command.command("show")
@who_argument
@peer_option
@json_option
@config_option
def show(config: Path | None, who: str, peer: str, *, as_json: bool) -> None:
    """What is spent for a user, an address or a network."""
    _demand(who, peer)
    _print(_run(config, lambda relief: relief.show(who, peer)), as_json=as_json)
    _tell_unseen(who, peer)


@command.command("release")
@who_argument
@peer_option
@json_option
@config_option
def release(config: Path | None, who: str, peer: str, *, as_json: bool) -> None:
    """Give it back, and tell what it was."""
    _demand(who, peer)
    _print(_run(config, lambda relief: relief.release(who, peer)), as_json=as_json)
    _tell_unseen(who, peer)


def _demand(who: str, peer: str) -> None:
    if not who and not peer:
        raise click.UsageError("name somebody, or --peer")


def _print(entries: tuple[Entry, ...], *, as_json: bool) -> None:
    rows = [asdict(entry) for entry in entries]
    if as_json:
        print_json({"limits": rows})
    elif rows:
        print_table(SHOWN, [[row[name] for name in SHOWN] for row in rows])
    else:
        click.echo("nothing is spent")


def _tell_unseen(who: str, peer: str) -> None:
    """Where somebody waits from a network that she is not known from, nothing shows it."""
    if who and not peer:
        click.echo(
            "of networks, only those that are known were looked at; name another with --peer",
            err=True,
        )


def _run(config: Path | None, act: Callable[[Relief], Awaitable[Any]]) -> Any:
    loaded = read_settings(config)

    async def inside() -> Any:
        from identra.app import opened_relief

        async with opened_relief(loaded) as relief:
            return await act(relief)

    return asyncio.run(inside())
