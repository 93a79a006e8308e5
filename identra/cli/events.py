"""`identra events`: what happened to accounts."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, get_args

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import instant, json_option, print_json, print_table
from identra.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from identra.dispatches import Recorded
    from identra.settings import Loaded
    from identra.users.reading import Reading


@click.command("events")
@click.option("--user", "who", metavar="USER_ID|EMAIL", help="Of this user alone.")
@click.option("--since", default="30d", show_default=True, help="For how long: 30m, 24h, 7d.")
@click.option("--kind", "kinds", multiple=True, help="Of this name; may be said again.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@config_option
def command(  # noqa: PLR0913 - click hands each option by name
    config: Path | None,
    who: str | None,
    since: str,
    kinds: tuple[str, ...],
    limit: int,
    *,
    as_json: bool,
) -> None:
    """List what was recorded, newest first."""
    _demand_known(kinds)
    reading = _read(read_settings(config), who, _seconds(since), kinds, limit)
    found = asyncio.run(reading)
    if as_json:
        print_json({"events": [_row(one) for one in found]})
        return
    rows = [[instant(one.at), one.name, one.user_id, _facts(one)] for one in found]
    print_table(("at", "event", "user_id", "facts"), rows)


async def _read(
    loaded: Loaded, who: str | None, seconds: int, kinds: tuple[str, ...], limit: int
) -> tuple[Recorded, ...]:
    from identra.app import opened_events
    from identra.app.opening import system_clock
    from identra.values import SECOND

    async with opened_events(loaded) as (events, users):
        user_id = None if who is None else await _find(users, who)
        since = system_clock() - seconds * SECOND
        return await events.read(user_id=user_id, since=since, kinds=kinds, limit=limit)


async def _find(users: Reading, who: str) -> str:
    """The id of whoever has an address now; an id as it is: whose user is gone has events too."""
    from identra.address import spell

    if "@" not in who:
        return who
    found = await users.find(spell(who))
    if found is None:
        raise OperatorError("nobody has that address; a user id finds those who had it")
    return found


def _demand_known(kinds: tuple[str, ...]) -> None:
    from identra.events import EventName

    for kind in kinds:
        if kind not in get_args(EventName):
            raise click.UsageError(f"--kind: there is no event {kind!r}")


def _seconds(since: str) -> int:
    from identra.settings import parse_duration

    try:
        return parse_duration(since)
    except ValueError as fault:
        raise click.UsageError(f"--since: {fault}") from fault


def _row(one: Recorded) -> dict[str, Any]:
    return {
        "id": one.event_id,
        "at": instant(one.at),
        "event": one.name,
        "user_id": one.user_id,
        "data": dict(one.data),
    }


def _facts(one: Recorded) -> str:
    return " ".join(f"{name}={json.dumps(value)}" for name, value in one.data.items())
