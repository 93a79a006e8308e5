"""`identra users`: find, make, shut out and let in."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option, read_settings
from identra.cli.moving import export, import_
from identra.cli.printing import instant, json_option, print_json, print_table
from identra.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from identra.office import Office
    from identra.users import User

who_argument = click.argument("who", metavar="USER_ID|EMAIL")


@click.group("users")
def command() -> None:
    """The users and their sessions."""


command.add_command(export)
command.add_command(import_)


@command.command("list")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--after", default="", help="The last user id of the page before.")
@json_option
@config_option
def list_(config: Path | None, limit: int, after: str, *, as_json: bool) -> None:
    """Users in the order of their making."""
    users = _run(config, lambda office: office.list(limit=limit, after=after))
    rows = [_row(user) for user in users]
    if as_json:
        print_json({"users": rows})
        return
    shown = ("user_id", "email", "verified", "disabled", "created_at", "last_login_at")
    print_table(shown, [[row[name] for name in shown] for row in rows])


@command.command("show")
@who_argument
@json_option
@config_option
def show(config: Path | None, who: str, *, as_json: bool) -> None:
    """One user with her addresses and identities."""
    row = _run(config, lambda office: _detailed(office, who))
    if as_json:
        print_json(row)
        return
    for name, value in row.items():
        click.echo(f"{name}: {'' if value is None else value}")


@command.command("create")
@click.argument("email")
@click.option("--proved", is_flag=True, help="The address is known to be hers.")
@click.option(
    "--password-stdin", is_flag=True, help="Read her password from standard input, one line."
)
@json_option
@config_option
def create(
    config: Path | None, email: str, *, proved: bool, password_stdin: bool, as_json: bool
) -> None:
    """Make a user with an address, and a password if one is given on standard input."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    if password_stdin and not password:
        raise OperatorError("no password came on standard input")
    user_id = _run(config, lambda office: office.create(email, password, proved=proved))
    if as_json:
        print_json({"user_id": user_id})
    else:
        click.echo(user_id)


@command.command("disable")
@who_argument
@click.option("--reason", default="", help="Kept with the event; the user never sees it.")
@config_option
def disable(config: Path | None, who: str, reason: str) -> None:
    """Shut a user out and end her sessions, at once and everywhere."""
    changed = _run(config, lambda office: office.disable(who, reason))
    click.echo("disabled" if changed else "was disabled already")


@command.command("enable")
@who_argument
@config_option
def enable(config: Path | None, who: str) -> None:
    """Let a disabled user in again, be she about to be deleted."""
    changed = _run(config, lambda office: office.enable(who))
    click.echo("enabled" if changed else "was not disabled")


@command.command("delete")
@who_argument
@click.option("--now", is_flag=True, help="Without the time of grace: nobody can bring her back.")
@config_option
def delete(config: Path | None, who: str, *, now: bool) -> None:
    """Shut a user out, to be removed from every table when auth.deletion_grace is over."""
    leaves_at = _run(config, lambda office: office.delete(who, now=now))
    click.echo("deleted" if leaves_at is None else f"will be deleted {instant(leaves_at)}")


@command.command("require-password")
@who_argument
@config_option
def require_password(config: Path | None, who: str) -> int:
    """Have a user set another password before the one she has opens anything again."""
    required = _run(config, lambda office: office.require_password(who))
    click.echo("required" if required else "has no password")
    return 0 if required else 1


@command.command("revoke-sessions")
@who_argument
@config_option
def revoke_sessions(config: Path | None, who: str) -> None:
    """End all of a user's sessions."""
    ended = _run(config, lambda office: office.revoke_sessions(who))
    click.echo(f"ended {ended}")


def _run(config: Path | None, act: Callable[[Office], Awaitable[Any]]) -> Any:
    loaded = read_settings(config)

    async def inside() -> Any:
        from identra.app import opened_office

        async with opened_office(loaded) as office:
            return await act(office)

    return asyncio.run(inside())


async def _detailed(office: Office, who: str) -> dict[str, Any]:
    user = await office.show(who)
    leaves_at = await office.leaves_at(user.user_id)
    return _detail(user) | {"leaves_at": instant(leaves_at)}


def _row(user: User) -> dict[str, Any]:
    address = user.address
    return {
        "user_id": user.user_id,
        "email": address.email if address else "",
        "verified": bool(address and address.proved_at is not None),
        "disabled": user.disabled,
        "created_at": instant(user.created_at),
        "last_login_at": instant(user.last_login_at),
    }


def _detail(user: User) -> dict[str, Any]:
    return _row(user) | {
        "disabled_reason": user.disabled_reason,
        "addresses": [
            {
                "email": own.email,
                "verified": own.proved_at is not None,
                "primary": own == user.address,
            }
            for own in user.addresses
        ],
        "identities": [
            {"provider": one.provider, "provider_user_id": one.subject, "username": one.username}
            for one in user.identities
        ],
        "secrets": list(user.secrets),
    }
