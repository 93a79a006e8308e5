"""`identra plugins`: what is installed, and what is on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import json_option, print_json, print_table

if TYPE_CHECKING:
    from pathlib import Path

    from identra.loader import Plugin, Providers
    from identra.settings import Loaded


@click.group("plugins")
def command() -> None:
    """The plugins and what they are called."""


@command.command("list")
@json_option
@config_option
def list_(config: Path | None, *, as_json: bool) -> None:
    """Every plugin found, and every provider it makes here with its state."""
    from identra.loader import load

    loaded = read_settings(config)
    providers = load(loaded.tree.plugins.enabled, loaded.tree.providers, loaded.file)
    rows = [row for plugin in providers.plugins for row in _describe(plugin, providers)]
    if as_json:
        print_json({"plugins": rows})
        return
    shown = ("name", "plugin", "version", "kind", "contract", "source", "state")
    print_table(shown, [[row[name] for name in shown] for row in rows])


@command.command("rebind")
@click.argument("name")
@json_option
@config_option
def rebind(config: Path | None, name: str, *, as_json: bool) -> None:
    """Let a provider's name stand for the place that its section names now."""
    from identra.loader import load

    loaded = read_settings(config)
    tree = loaded.tree
    issuer = load(tree.plugins.enabled, tree.providers, loaded.file).oauth(name).issuer
    former, identities = asyncio.run(_rebind(loaded, name, issuer))
    if as_json:
        told = {"provider": name, "issuer": issuer, "former": former, "identities": identities}
        print_json(told)
    elif former in (None, issuer):
        click.echo(f"{name} stands for {issuer}, as it did")
    else:
        click.echo(f"{name} stands for {issuer} now, no longer for {former}")
        click.echo(f"identities that are taken for people of the new place: {identities}")


async def _rebind(loaded: Loaded, name: str, issuer: str) -> tuple[str | None, int]:
    from identra.app import opened_issuers

    async with opened_issuers(loaded) as issuers:
        return await issuers.rebind(name, issuer)


def _describe(plugin: Plugin, providers: Providers) -> list[dict[str, Any]]:
    made = [provider for provider in providers.on.values() if type(provider) is plugin.make]
    common = {
        "plugin": plugin.name,
        "version": plugin.version,
        "kind": plugin.kind,
        "contract": plugin.contract,
        "source": plugin.source,
    }
    if not made:
        return [{"name": plugin.name, **common, "state": "off"}]
    return [{"name": one.name, **common, "state": one.missing() or "on"} for one in made]
