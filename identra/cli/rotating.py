"""`identra keys add|promote|retire|rotate|revoke|reseal`: changing the ring."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import instant, json_option, print_json
from identra.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from identra.app import Workshop
    from identra.keys import Done, Due

kid_argument = click.argument("kid")
yes_option = click.option("--yes", is_flag=True, help="Don't ask whether you mean it.")


@click.command("add")
@click.option(
    "--algorithm",
    type=click.Choice(["RS256", "ES256", "EdDSA"]),
    help="Instead of the one that the settings name.",
)
@json_option
@config_option
def add(config: Path | None, algorithm: Any, *, as_json: bool) -> None:
    """Publish a new key, to sign once every verifier knows it."""
    _tell([_run(config, lambda shop: shop.orders.add(algorithm))], as_json=as_json)


@click.command("promote")
@kid_argument
@json_option
@config_option
def promote(config: Path | None, kid: str, *, as_json: bool) -> None:
    """Have the waiting key sign now."""
    _tell([_run(config, lambda shop: shop.orders.promote(kid))], as_json=as_json)


@click.command("retire")
@kid_argument
@json_option
@config_option
def retire(config: Path | None, kid: str, *, as_json: bool) -> None:
    """Take a key out of the key set that nothing needs any more."""
    _tell([_run(config, lambda shop: shop.orders.retire(kid))], as_json=as_json)


@click.command("rotate")
@click.option("--now", "hurry", is_flag=True, help="Publish the next key now.")
@click.option("--secret", is_flag=True, help="Renew the secret behind refresh tokens instead.")
@yes_option
@json_option
@config_option
def rotate(config: Path | None, *, hurry: bool, secret: bool, yes: bool, as_json: bool) -> None:
    """Take whichever step is due; safe to run as often as you like.

    With --now a new key signs as soon as every verifier can know it, which is twice
    keys.jwks_max_age from its publication on.
    """
    if hurry and secret:
        raise click.UsageError("--now is for signing keys; --secret is at once anyway")
    if secret:
        _ask("Renew the secret behind refresh tokens?", yes=yes)
        _tell([_run(config, lambda shop: shop.orders.renew_secret())], as_json=as_json)
        return
    if hurry:
        _ask("Replace the signing key ahead of its time?", yes=yes)
    rotated = _run(config, lambda shop: shop.rotation.hasten() if hurry else shop.rotation.rotate())
    _tell(rotated.done, rotated.next, as_json=as_json)


@click.command("revoke")
@kid_argument
@click.option("--end-sessions", is_flag=True, help="End the sessions it last signed for.")
@yes_option
@json_option
@config_option
def revoke(config: Path | None, kid: str, *, end_sessions: bool, yes: bool, as_json: bool) -> None:
    """Take a key out of the key set at once, for an emergency. Another one signs from then on.

    Every access token that it signed is refused once verifiers read the key set again. Revoking
    a ring secret always ends the sessions under it.
    """
    _ask(f"Revoke key {kid}? Every token that it signed becomes worthless.", yes=yes)
    done, ended = _run(config, lambda shop: _revoke(shop, kid, end_sessions=end_sessions))
    _tell(done, as_json=as_json, ended=ended)


@click.command("reseal")
@json_option
@config_option
def reseal(config: Path | None, *, as_json: bool) -> None:
    """Seal every key by the first of keys.master_key_files."""
    resealed = _run(config, lambda shop: shop.resealing.reseal())
    if as_json:
        print_json({"resealed": resealed})
    else:
        click.echo(f"resealed {resealed} keys" if resealed else "nothing was to be resealed")


async def _revoke(
    shop: Workshop, kid: str, *, end_sessions: bool
) -> tuple[tuple[Done, ...], int | None]:
    """Revoke, then end sessions: again once every process knows, since some signed till then."""
    from identra.keys import RELOAD_EVERY

    done = await shop.orders.revoke(kid)
    if not end_sessions and done[0].purpose == "sig":
        return done, None
    ended = await shop.sessions.revoke_under(kid, "key_revoked")
    await asyncio.sleep(RELOAD_EVERY + 1)
    return done, ended + await shop.sessions.revoke_under(kid, "key_revoked")


def _run(config: Path | None, act: Callable[[Workshop], Awaitable[Any]]) -> Any:
    from identra.app import opened_workshop

    async def work() -> Any:
        async with opened_workshop(read_settings(config)) as shop:
            return await act(shop)

    return asyncio.run(work())


def _ask(question: str, *, yes: bool) -> None:
    """Raise OperatorError unless somebody means it."""
    try:
        sure = yes or click.confirm(question, err=True)
    except click.Abort:
        click.echo(err=True)
        sure = False
    if not sure:
        raise OperatorError("nothing was changed; --yes does it without asking")


def _tell(
    done: Sequence[Done], due: Due | None = None, *, as_json: bool, ended: int | None = None
) -> None:
    if as_json:
        told: dict[str, Any] = {"done": [_row(each) for each in done], "next": _next(due)}
        print_json(told if ended is None else told | {"sessions_ended": ended})
        return
    click.echo("\n".join(map(_line, done)) or "nothing was due")
    if step := _next(due):
        click.echo(f"next: {step['step']} {step['kid'] or 'a new key'} at {step['at']}")
    if ended is not None:
        click.echo(f"ended {ended} sessions")


def _row(done: Done) -> dict[str, Any]:
    return {"did": done.did, "kid": done.kid, "signs_from": instant(done.signs_from)}


def _line(done: Done) -> str:
    when = f", to sign from {instant(done.signs_from)} on" if done.signs_from else ""
    return f"{done.did} {done.kid}{when}"


def _next(due: Due | None) -> dict[str, Any] | None:
    if due is None:
        return None
    return {"step": due.step.name, "kid": due.step.kid, "at": instant(due.at)}
