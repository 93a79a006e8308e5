"""`identra plugins`: what is installed and on, whether it keeps the rules, and a new one."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import json_option, print_json, print_table

if TYPE_CHECKING:
    from identra.loader import Failure, Plugin, Providers
    from identra.settings import Loaded
    from identra.testing import Conformance, Result


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
    file, moved = loaded.tree.plugins.reports, _moved(loaded, providers)
    rows = [row for plugin in providers.plugins for row in _describe(plugin, providers, file)]
    for row in rows:
        if row["kind"] in {"oauth2", "oidc"}:
            row["state"] = moved.get(row["name"], row["state"])
    rows += [_failed(failure) for failure in providers.failures]
    if as_json:
        print_json({"plugins": rows})
        return
    shown = ("name", "plugin", "version", "kind", "contract", "source", "conformance", "state")
    print_table(shown, [[row[name] for name in shown] for row in rows])


def _moved(loaded: Loaded, providers: Providers) -> dict[str, str]:
    """The state of every provider whose name stood for another place until now."""
    from identra.app import moved_issuers
    from identra.errors import IdentraError, OperatorError

    try:
        wrong = asyncio.run(moved_issuers(loaded, providers))
    except (IdentraError, OperatorError) as fault:
        click.echo(f"what names stand for was not looked at: {fault}", err=True)
        return {}
    ends = {name: "stops the start" if providers.must_have(name) else "left out" for name in wrong}
    return {name: f"{ends[name]}: {says}" for name, says in wrong.items()}


@command.command("rebind")
@click.argument("name")
@json_option
@config_option
def rebind(config: Path | None, name: str, *, as_json: bool) -> None:
    """Let a provider's name stand for the place that its section names now."""
    from identra.loader import load_for

    loaded = read_settings(config)
    issuer = load_for(loaded).oauth(name).issuer
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


@command.command("check")
@click.argument("name")
@json_option
@config_option
def check(config: Path | None, name: str, *, as_json: bool) -> int:
    """Run the rules for a plugin with the answers that it brings, and keep the report."""
    from identra.app.opening import system_clock
    from identra.loader import read_plugin
    from identra.testing import report as reports
    from identra.values import rfc3339

    loaded = read_settings(config)
    plugin = read_plugin(name, loaded.tree.plugins.directory)
    cases = reports.cases_of(plugin)
    results = [result for case in cases for result in case.run()]
    made = reports.report(plugin, results, identra=_release(), at=rfc3339(system_clock()))
    reports.keep(loaded.tree.plugins.reports, made)
    if as_json:
        print_json({**asdict(made), "rules": [asdict(result) for result in results]})
    else:
        _tell(cases, results)
        click.echo(f"{plugin.name} {plugin.version}: {made.says}")
    return 0 if made.kept and not made.broken else 1


@command.command("new")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["oauth2", "oidc", "code", "secret", "hooks"]),
    required=True,
    help="Of which kind its provider is; or only hooks.",
)
@click.option(
    "--directory",
    type=click.Path(path_type=Path),
    metavar="DIRECTORY",
    help="Where to write; identra-NAME here when not said.",
)
@config_option
def new(config: Path | None, name: str, kind: str, directory: Path | None) -> None:
    """Write a new plugin: a package whose tests pass at once."""
    del config  # as every command takes it; a draft depends on no settings
    from identra.errors import OperatorError
    from identra.loader import NAME, RESERVED
    from identra.testing import drafts

    if not NAME.fullmatch(name) or name in RESERVED:
        raise OperatorError(f"{name}: a plugin's name is [a-z][a-z0-9_]{{1,31}}, and not reserved")
    folder = directory or Path(f"identra-{name.replace('_', '-')}")
    for file in drafts.write(folder, name, kind):
        click.echo(file)


def _release() -> str:
    from importlib.metadata import version

    return version("identra")


def _tell(cases: tuple[Conformance, ...], results: list[Result]) -> None:
    """What became of each rule; by which of several sets of answers, where there are several."""
    left = iter(results)
    for case in cases:
        if len(cases) > 1:
            click.echo(f"{type(case).__name__}:")
        for result in islice(left, len(case.rules)):
            click.echo(f"{'ok    ' if result.fault is None else 'BROKEN'}  {result.rule}")
            if result.fault is not None:
                click.echo(f"        {result.says} Seen: {result.fault}")


def _describe(plugin: Plugin, providers: Providers, reports: str) -> list[dict[str, Any]]:
    """A row for each provider that it makes here, or could, and one for its hooks."""
    from identra.loader import lacks
    from identra.testing.report import kept_for

    conforms = kept_for(reports, plugin, identra=_release())
    rows = []
    for make in plugin.makes:
        made = [provider for provider in providers.on.values() if type(provider) is make]
        states = {one.name: lacks(one) or "on" for one in made} or {make.name: "off"}
        rows += [_row(plugin, name, make.kind, conforms, state) for name, state in states.items()]
    if plugin.hooks:
        hooks = ",".join(sorted(hook.name for hook in plugin.hooks))
        rows.append(
            _row(plugin, plugin.name, f"hooks:{hooks}", conforms, "on" if plugin.running else "off")
        )
    return rows


def _row(plugin: Plugin, name: str, kind: str, conforms: str, state: str) -> dict[str, Any]:
    return {
        "name": name,
        "plugin": plugin.name,
        "version": plugin.version,
        "kind": kind,
        "contract": plugin.contract,
        "source": plugin.source,
        "conformance": conforms,
        "state": state,
    }


def _failed(failure: Failure) -> dict[str, Any]:
    return {
        "name": failure.name,
        "plugin": failure.plugin,
        "version": failure.version,
        "kind": "",
        "contract": None,
        "source": failure.source,
        "conformance": "",
        "state": f"left out: {failure.says}",
    }
