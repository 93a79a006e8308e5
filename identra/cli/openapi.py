"""`identra openapi`: print the description of the REST interface."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from identra.cli import config_option, read_settings

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="On one line.")
def command(config: Path | None, *, as_json: bool) -> None:
    """Print the OpenAPI document of the providers that the settings load."""
    loaded = read_settings(config)
    from identra import loader
    from identra.http.openapi import document
    from identra.http.routes import public_operations

    tree = loaded.tree
    said = document(public_operations(tree, loader.load_for(loaded)), tree.public_url)
    click.echo(json.dumps(said, indent=None if as_json else 2))
