"""`identra users`: find, make, mend, shut out and let in."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option
from identra.cli.acting import BY, act
from identra.cli.moving import export, import_
from identra.cli.printing import instant, json_option, print_json, print_table
from identra.errors import OperatorError
from identra.locales import LOCALES

if TYPE_CHECKING:
    from pathlib import Path

    from identra.locales import Locale
    from identra.office import Office
    from identra.users import User

who_argument = click.argument("who", metavar="USER_ID|EMAIL")


@click.group("users")
def command() -> None:
    """The users and their sessions."""


command.add_command(export)
command.add_command(import_)


@command.command("list")
@click.option("--email", help="Whoever has this address.")
@click.option("--prefix", help="Those with an address that begins so.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--after", default="", help="Where the page before said that it goes on.")
@json_option
@config_option
def list_(  # noqa: PLR0913 - its options, each by name
    config: Path | None,
    email: str | None,
    prefix: str | None,
    limit: int,
    after: str,
    *,
    as_json: bool,
) -> None:
    """Users in the order of their making, or of the addresses that begin with a prefix."""
    if email is not None and prefix is not None:
        raise click.UsageError("--email and --prefix do not go together")
    page = act(
        config, lambda office: office.list(limit=limit, after=after, email=email, prefix=prefix)
    )
    rows = [_row(user) for user in page.users]
    if as_json:
        print_json({"users": rows} | ({"next": page.next} if page.next else {}))
        return
    shown = ("user_id", "email", "verified", "disabled", "created_at", "last_login_at")
    print_table(shown, [[row[name] for name in shown] for row in rows])
    if page.next:
        click.echo(f"there are more: --after {page.next}", err=True)


@command.command("show")
@who_argument
@json_option
@config_option
def show(config: Path | None, who: str, *, as_json: bool) -> None:
    """One user with her addresses and identities."""
    row = act(config, lambda office: _detailed(office, who))
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
    user_id = act(config, lambda office: office.create(email, password, proved=proved, by=BY))
    _tell_made(user_id, as_json=as_json)


@command.command("invite")
@click.argument("email")
@click.option("--locale", type=click.Choice(LOCALES), help="The language of her letters.")
@json_option
@config_option
def invite(config: Path | None, email: str, locale: Locale | None, *, as_json: bool) -> None:
    """Make a user whom nobody can be but the address's owner, and write to her."""
    user_id = act(config, lambda office: office.invite(email, by=BY, locale=locale))
    _tell_made(user_id, as_json=as_json)


@command.command("prove")
@who_argument
@click.argument("email", metavar="[EMAIL]", required=False)
@click.option("--keep", is_flag=True, help="Her password and sessions are known to be hers.")
@config_option
def prove(config: Path | None, who: str, email: str | None, *, keep: bool) -> None:
    """Have an address be a user's, and proved: the one she is named by, or EMAIL."""
    if email is None and "@" not in who:
        raise click.UsageError("a user id goes with the EMAIL that is to be proved")
    proof = act(config, lambda office: office.prove(who, email or who, by=BY, keep=keep))
    if proof is None:
        click.echo("was proved already")
    elif proof.locked_out and proof.user.secrets:
        click.echo("proved; the password that she had opens nothing any more")
    else:
        click.echo("proved")


@command.command("unlink")
@who_argument
@click.argument("provider")
@config_option
def unlink(config: Path | None, who: str, provider: str) -> None:
    """Remove a user's identities at a provider, but never her last way in."""
    act(config, lambda office: office.unlink(who, provider, by=BY))
    click.echo("unlinked")


@command.command("disable")
@who_argument
@click.option("--reason", default="", help="Kept with the event; the user never sees it.")
@config_option
def disable(config: Path | None, who: str, reason: str) -> None:
    """Shut a user out and end her sessions, at once and everywhere."""
    changed = act(config, lambda office: office.disable(who, reason, by=BY))
    click.echo("disabled" if changed else "was disabled already")


@command.command("enable")
@who_argument
@config_option
def enable(config: Path | None, who: str) -> None:
    """Let a disabled user in again, be she about to be deleted."""
    changed = act(config, lambda office: office.enable(who, by=BY))
    click.echo("enabled" if changed else "was not disabled")


@command.command("delete")
@who_argument
@click.option("--now", is_flag=True, help="Without the time of grace: nobody can bring her back.")
@config_option
def delete(config: Path | None, who: str, *, now: bool) -> None:
    """Shut a user out, to be removed from every table when auth.deletion_grace is over."""
    leaves_at = act(config, lambda office: office.delete(who, now=now, by=BY))
    click.echo("deleted" if leaves_at is None else f"will be deleted {instant(leaves_at)}")


@command.command("require-password")
@who_argument
@config_option
def require_password(config: Path | None, who: str) -> int:
    """Have a user set another password before the one she has opens anything again."""
    required = act(config, lambda office: office.require_password(who, by=BY))
    click.echo("required" if required else "has no password")
    return 0 if required else 1


@command.command("revoke-sessions")
@who_argument
@config_option
def revoke_sessions(config: Path | None, who: str) -> None:
    """End all of a user's sessions."""
    ended = act(config, lambda office: office.revoke_sessions(who, by=BY))
    click.echo(f"ended {ended}")


def _tell_made(user_id: str, *, as_json: bool) -> None:
    if as_json:
        print_json({"user_id": user_id})
    else:
        click.echo(user_id)


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
