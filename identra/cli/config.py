"""`identra config`: check the settings, show them without their secrets, make a new secret."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import click

from identra.cli import config_option, read_settings

if TYPE_CHECKING:
    from pathlib import Path

_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


@click.group()
def command() -> None:
    """Check and show the settings."""


@command.command()
@config_option
def check(config: Path | None) -> None:
    """Say whether the service would accept its settings, its providers' and plugins' too."""
    from identra import loader
    from identra.app.opening import system_clock, unfit_pages
    from identra.mail import open_letters
    from identra.serve import demand_certificate
    from identra.webhooks import read_targets

    loaded = read_settings(config)
    demand_certificate(loaded)
    open_letters(loaded.tree.mail, system_clock)
    read_targets(loaded.tree.webhooks)
    providers = loader.load_for(loaded)
    for failure in providers.failures:
        click.echo(f"warning: left out: {failure.says}", err=True)
    for says in unfit_pages(providers):
        click.echo(f"warning: {says}", err=True)
    click.echo(f"ok: {loaded.file or 'no file, built-in defaults'}")


@command.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of TOML.")
def show(config: Path | None, *, as_json: bool) -> None:
    """Print the settings in effect, every secret masked."""
    from identra.settings import shown

    tree = shown(read_settings(config).tree)
    click.echo(json.dumps(tree, indent=2, default=str) if as_json else "\n".join(_toml(tree)))


@command.command("new-secret")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def new_secret(config: Path | None, *, as_json: bool) -> None:  # noqa: ARG001 - every command takes it
    """Print a new 256-bit secret and its SHA-256, which needs no hiding."""
    from identra.secret import fingerprint, token

    secret = token()
    made = {"secret": secret, "sha256": fingerprint(secret)}
    lines = (f"{name}: {value}" for name, value in made.items())
    click.echo(json.dumps(made) if as_json else "\n".join(lines))


def _toml(table: dict[str, Any], under: str = "") -> list[str]:
    """The lines of a TOML table: its values first, then the tables within it."""
    lines = [f"{_key(k)} = {_value(v)}" for k, v in table.items() if not isinstance(v, dict)]
    for key, inner in table.items():
        if isinstance(inner, dict):
            name = f"{under}{_key(key)}"
            lines += ["", f"[{name}]", *_toml(inner, f"{name}.")]
    return lines


def _value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_key(k)} = {_value(v)}' for k, v in value.items())}}}"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _value(key)
