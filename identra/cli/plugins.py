"""`identra plugins`: what is installed and on, whether it keeps the rules, and a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import json_option, print_json, print_table

if TYPE_CHECKING:
    from pathlib import Path

    from identra.loader import Failure, Plugin, Providers


@click.group("plugins")
def command() -> None:
    """The plugins and what they are called."""


@command.command("list")
@json_option
@config_option
def list_(config: Path | None, *, as_json: bool) -> None:
    """Every plugin found, and every provider it makes here with its state."""
    from identra.loader import load_for

    loaded = read_settings(config)
    providers = load_for(loaded)
    rows = [row for plugin in providers.plugins for row in _describe(plugin, providers)]
    rows += [_failed(failure) for failure in providers.failures]
    if as_json:
        print_json({"plugins": rows})
        return
    shown = ("name", "plugin", "version", "kind", "contract", "source", "state")
    print_table(shown, [[row[name] for name in shown] for row in rows])


def _describe(plugin: Plugin, providers: Providers) -> list[dict[str, Any]]:
    """A row for each provider that it makes here, or could, and one for its hooks."""
    from identra.loader import lacks

    rows = []
    for make in plugin.makes:
        made = [provider for provider in providers.on.values() if type(provider) is make]
        states = {one.name: lacks(one) or "on" for one in made} or {make.name: "off"}
        rows += [_row(plugin, name, make.kind, state) for name, state in states.items()]
    if plugin.hooks:
        hooks = ",".join(sorted(hook.name for hook in plugin.hooks))
        rows.append(_row(plugin, plugin.name, f"hooks:{hooks}", "on"))
    return rows


def _row(plugin: Plugin, name: str, kind: str, state: str) -> dict[str, Any]:
    return {
        "name": name,
        "plugin": plugin.name,
        "version": plugin.version,
        "kind": kind,
        "contract": plugin.contract,
        "source": plugin.source,
        "state": state,
    }


def _failed(failure: Failure) -> dict[str, Any]:
    return {
        "name": failure.name,
        "plugin": failure.name,
        "version": failure.version,
        "kind": "",
        "contract": None,
        "source": failure.source,
        "state": f"left out: {failure.says}",
    }
