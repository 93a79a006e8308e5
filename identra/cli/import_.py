"""`identra import`: users out of another service's database."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Literal
from urllib.parse import unquote, urlsplit

import click

from identra.cli import config_option, read_settings
from identra.cli.moving import dry_run_option, skip_option, take_all, tell
from identra.cli.printing import json_option
from identra.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from identra.portable import Outcome
    from identra.settings import Loaded, Persistence

SCHEMES: dict[str, Literal["postgres", "mysql", "sqlite"]] = {
    "postgres": "postgres",
    "postgresql": "postgres",
    "mysql": "mysql",
    "mariadb": "mysql",
    "sqlite": "sqlite",
}


@click.group("import")
def command() -> None:
    """Take in the users of another service."""


@command.command("original")
@click.option(
    "--dsn",
    required=True,
    metavar="URL",
    help="postgres://user@host/name, mysql://… or sqlite:///file; without a password.",
)
@click.option("--password-stdin", is_flag=True, help="Read the database's password, one line.")
@click.option(
    "--addresses",
    type=click.Choice(["proved", "unproved"]),
    required=True,
    help="Whether whoever has an account has proved its address.",
)
@dry_run_option
@skip_option
@json_option
@config_option
def original(  # noqa: PLR0913 - click hands each option by name
    config: Path | None,
    dsn: str,
    *,
    password_stdin: bool,
    addresses: str,
    dry_run: bool,
    skip_faulty: bool,
    as_json: bool,
) -> int:
    """Take in the original service's users, with their ids, hashes and identities."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    loaded, place = read_settings(config), read_dsn(dsn, password)
    taking = _take(
        loaded, place, proved=addresses == "proved", dry_run=dry_run, skip_faulty=skip_faulty
    )
    return tell(asyncio.run(taking), dry_run=dry_run, as_json=as_json)


async def _take(
    loaded: Loaded, place: Persistence, *, proved: bool, dry_run: bool, skip_faulty: bool
) -> Outcome:
    from identra.app import opened_theirs
    from identra.portable import OriginalUsers

    async with opened_theirs(place, _called) as theirs:
        users = OriginalUsers(theirs, proved=proved)
        return await take_all(loaded, users.read, "users", dry_run=dry_run, skip_faulty=skip_faulty)


def _called(setting: str) -> str:
    """The option that says what a setting of a database of ours would."""
    return "--password-stdin" if setting == "password" else "--dsn"


def read_dsn(dsn: str, password: str | None) -> Persistence:
    """The database that a URL names. Raises OperatorError; a password in it is refused."""
    from pydantic import SecretStr, ValidationError

    from identra.settings import Persistence

    parts = urlsplit(dsn)
    if parts.password is not None:
        raise OperatorError("--dsn: has a password, which others can see; use --password-stdin")
    driver = SCHEMES.get(parts.scheme)
    if driver is None:
        raise OperatorError("--dsn: begins with postgres://, mysql:// or sqlite:///")
    if driver == "sqlite":
        return Persistence(driver=driver, name=unquote(parts.path.removeprefix("/")))
    try:
        return Persistence(
            driver=driver,
            name=unquote(parts.path.strip("/")),
            host=parts.hostname or "localhost",
            port=parts.port,
            user=unquote(parts.username) if parts.username else None,
            password=SecretStr(password) if password else None,
        )
    except (ValidationError, ValueError):
        raise OperatorError(
            "--dsn: can't be read; it reads postgres://user@host:port/name"
        ) from None
