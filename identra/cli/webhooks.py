"""`identra webhooks`: whom events are told to, what did not arrive, and sending it again."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import instant, json_option, print_json, print_table
from identra.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from identra.dispatches import Dispatches, Kept
    from identra.settings import Loaded
    from identra.webhooks import Target, Verdict

Row = dict[str, Any]

target_argument = click.argument("target", metavar="TARGET")
_LISTED = ("target", "state", "waiting", "oldest", "dead", "url")
_SHOWN = ("dispatch", "at", "event", "state", "tries", "next_try", "outcome")


@click.group("webhooks")
def command() -> None:
    """What others are told of what happens."""


@command.command("list")
@json_option
@config_option
def list_(config: Path | None, *, as_json: bool) -> None:
    """Every target, and how much waits for it or was given up."""
    rows = asyncio.run(_list(read_settings(config)))
    if as_json:
        print_json({"webhooks": rows})
    else:
        print_table(_LISTED, [[row[name] for name in _LISTED] for row in rows])


@command.command("show")
@click.argument("what", metavar="TARGET|ID")
@click.option("--delivered", is_flag=True, help="Of a target, also what was received.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@json_option
@config_option
def show(config: Path | None, what: str, limit: int, *, delivered: bool, as_json: bool) -> None:
    """What is on its way to a target, newest first; or one dispatch or event with its body."""
    rows = asyncio.run(_show(read_settings(config), what, limit, delivered=delivered))
    if as_json:
        print_json({"dispatches": rows})
        return
    print_table(_SHOWN, [[row[name] for name in _SHOWN] for row in rows])
    if len(rows) == 1:
        click.echo(rows[0]["body"])


@command.command("replay")
@target_argument
@click.option("--id", "some_id", metavar="ID", help="This dispatch or event alone.")
@json_option
@config_option
def replay(config: Path | None, target: str, some_id: str | None, *, as_json: bool) -> None:
    """Send again what was given up, and at once what waits; a target that was gone is called again.

    With --id that one alone, also if it was received. The running service sends it.
    """
    again = asyncio.run(_replay(read_settings(config), target, some_id))
    if as_json:
        print_json({"replayed": again})
    else:
        click.echo(f"{again} to be sent again")


@command.command("send-test")
@target_argument
@json_option
@config_option
def send_test(config: Path | None, target: str, *, as_json: bool) -> int:
    """Send a `webhook.test` event now, from here, and tell what came back."""
    verdict = asyncio.run(_send_test(read_settings(config), target))
    if as_json:
        print_json({"target": target, "fate": verdict.fate, "outcome": verdict.outcome})
    else:
        click.echo(f"{target}: {verdict.fate} ({verdict.outcome})")
    return int(verdict.fate != "delivered")


def _targets(loaded: Loaded) -> dict[str, Target]:
    from identra.webhooks import read_targets

    return {target.name: target for target in read_targets(loaded.tree.webhooks)}


async def _list(loaded: Loaded) -> list[Row]:
    from identra.app import opened_dispatches

    known = _targets(loaded)
    async with opened_dispatches(loaded) as dispatches:
        names = dict.fromkeys((*known, *await dispatches.targets()))
        return [await _row_of(name, known.get(name), dispatches) for name in names]


async def _row_of(name: str, target: Target | None, dispatches: Dispatches) -> Row:
    from identra.dispatches import DEAD, WAITING

    waiting = await dispatches.count(name, WAITING)
    gone = await dispatches.gone(name, target.place) if target else None
    return {
        "target": name,
        "state": "on" if target and gone is None else "gone" if target else "not in the settings",
        "gone_at": instant(gone),
        "waiting": waiting.found,
        "oldest": instant(waiting.oldest),
        "dead": (await dispatches.count(name, DEAD)).found,
        "url": target.url if target else None,
        "events": list(target.events) if target else [],
        "secrets": len(target.keys) if target else 0,
    }


async def _show(loaded: Loaded, what: str, limit: int, *, delivered: bool) -> list[Row]:
    from identra.app import opened_dispatches
    from identra.dispatches import DEAD, DELIVERED, WAITING

    states = (WAITING, DEAD, DELIVERED) if delivered else (WAITING, DEAD)
    async with opened_dispatches(loaded) as dispatches:
        if what in _targets(loaded) or what in await dispatches.targets():
            return _rows(await dispatches.of(what, states, limit))
        found = await dispatches.find(what)
    if not found:
        raise OperatorError(f"there is no target, dispatch or event {what}")
    return _rows(found)


def _rows(found: Sequence[Kept]) -> list[Row]:
    import json

    return [
        {
            "dispatch": one.dispatch_id,
            "event_id": one.event_id,
            "target": one.target,
            "at": instant(one.turn),
            "event": json.loads(one.body)["type"],
            "state": one.state,
            "tries": one.tries,
            "next_try": instant(one.due_at),
            "settled_at": instant(one.settled_at),
            "outcome": one.outcome,
            "body": one.body,
        }
        for one in found
    ]


async def _replay(loaded: Loaded, target: str, some_id: str | None) -> int:
    from identra.app import opened_dispatches

    async with opened_dispatches(loaded) as dispatches:
        if target not in _targets(loaded):
            raise OperatorError(f"there is no [webhooks.{target}]; nobody would send it")
        return await dispatches.replay(target, some_id)


async def _send_test(loaded: Loaded, name: str) -> Verdict:
    from identra.app.opening import system_clock
    from identra.webhooks import send_test

    target = _targets(loaded).get(name)
    if target is None:
        raise OperatorError(f"there is no [webhooks.{name}]")
    return await send_test(target, system_clock)
