"""`identra doctor`: what is wrong with an installation, why, and what to do."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option
from identra.cli.printing import json_option, print_json

if TYPE_CHECKING:
    from pathlib import Path

    from identra.doctor import Finding


@click.command("doctor")
@click.option("--url", metavar="URL", help="Where callers reach the service; it is called there.")
@click.option("--mail-to", metavar="ADDRESS", help="Send a letter there.")
@json_option
@config_option
def command(config: Path | None, url: str | None, mail_to: str | None, *, as_json: bool) -> int:
    """Look at everything that the settings name, and say what is wrong; nothing is changed.

    Exit 1 if anything is an error.
    """
    from identra.doctor import examine

    _demand_usable(url, mail_to)
    found = asyncio.run(examine(config, os.environ, url=url, mail_to=mail_to))
    if as_json:
        print_json({"findings": [_row(one) for one in found]})
    else:
        for one in found:
            _print(one)
    return int(any(one.level == "error" for one in found))


def _demand_usable(url: str | None, mail_to: str | None) -> None:
    from identra.address import spell
    from identra.errors import InvalidArgument

    if url is not None and not url.startswith(("http://", "https://")):
        raise click.UsageError("--url: begins with http:// or https://")
    try:
        spell(mail_to) if mail_to is not None else None
    except InvalidArgument as fault:
        raise click.UsageError("--mail-to: is not an e-mail address") from fault


def _row(one: Finding) -> dict[str, Any]:
    return {"code": one.code, "level": one.level, "cause": one.cause, "remedy": one.remedy}


def _print(one: Finding) -> None:
    click.echo(f"{one.level:<8} {one.code}: {one.cause}")
    if one.remedy:
        click.echo(f"{'':<9}{one.remedy}")
