"""`identra explain`: why an attempt to get in went as it did."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import instant, json_option, print_json, print_table
from identra.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from identra.attempts import AttemptLog, Kept
    from identra.settings import Loaded

Told = tuple["Kept", str]


@click.command("explain")
@click.argument("attempt", required=False, metavar="[ATTEMPT]")
@click.option("--request", metavar="ID", help="Attempts of that request_id (X-Request-ID).")
@click.option("--address", metavar="ADDRESS", help="Attempts about an address or recipient.")
@json_option
@config_option
def command(
    config: Path | None,
    attempt: str | None,
    request: str | None,
    address: str | None,
    *,
    as_json: bool,
) -> None:
    """Tell the steps of an attempt (the answer's X-Attempt-ID) and the true reason."""
    if sum(said is not None for said in (attempt, request, address)) != 1:
        raise click.UsageError("name an ATTEMPT, or say --request or --address")
    told = asyncio.run(_read(read_settings(config), attempt, request, address))
    if not told:
        raise OperatorError(_NOT_KEPT + (_BY_REQUEST if attempt is not None else ""))
    if as_json:
        print_json({"attempts": [_row(*one) for one in told]})
    elif attempt is None:
        print_table(_COLUMNS, [[_row(*one)[name] for name in _COLUMNS] for one in told])
    else:
        _print(*told[0])


_NOT_KEPT = (
    "no such attempt is kept: attempts are written within a second, kept for 30 days, and"
    " of many refused ones not all; the log tells of each"
)
_BY_REQUEST = "; the request_id of an error is looked for with --request"
_COLUMNS = ("attempt", "at", "act", "provider", "outcome", "why")


async def _read(
    loaded: Loaded, attempt: str | None, request: str | None, address: str | None
) -> list[Told]:
    from identra.app import opened_attempts
    from identra.attempts import why

    async with opened_attempts(loaded) as kept:
        found = await _find(kept, attempt, request, address)
        return [(one, why(one, await kept.before(one))) for one in found]


async def _find(
    kept: AttemptLog, attempt: str | None, request: str | None, address: str | None
) -> tuple[Kept, ...]:
    from identra.address import spell

    if attempt is not None:
        one = await kept.find(attempt)
        return (one,) if one else ()
    if request is not None:
        return await kept.of_request(request)
    return await kept.about(spell(address or "") if "@" in (address or "") else address or "")


def _row(kept: Kept, reason: str) -> dict[str, Any]:
    return {
        "attempt": kept.attempt_id,
        "at": instant(kept.at),
        "act": kept.act,
        "provider": kept.provider,
        "outcome": kept.outcome,
        "why": reason,
        "detail": kept.detail,
        "user_id": kept.user_id,
        "peer": kept.peer,
        "request": kept.request_id,
        "ms": kept.ms,
        "steps": [{"ms": step.ms, "step": step.name, **step.facts} for step in kept.steps],
    }


def _print(kept: Kept, reason: str) -> None:
    from identra.attempts import ACTS, written

    row = _row(kept, reason)
    row["act"] = f"{ACTS.get(row['act'], row['act'])} ({row['provider'] or 'no provider'})"
    for name in ("attempt", "at", "act", "outcome", "why", "detail", "user_id", "peer", "request"):
        click.echo(f"{name}: {'' if row[name] is None else row[name]}".rstrip())
    click.echo("steps:")
    for step in kept.steps:
        click.echo(f"  {step.ms:>6} ms  {step.name:<18} {written(step)}")
    click.echo(f"  {kept.ms:>6} ms  over")
