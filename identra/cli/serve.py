"""`identra serve`: run the service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from identra.cli import config_option, read_settings

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@config_option
@click.option(
    "--dev", is_flag=True, help="Development: loopback and SQLite only, mail shown on the console."
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="How many processes answer.",
)
@click.option(
    "--read-only", is_flag=True, help="Write nothing: for the time in which `copy` is at work."
)
def command(config: Path | None, *, dev: bool, workers: int, read_only: bool) -> int:
    """Run the service until it is told to stop."""
    if dev and workers > 1:
        raise click.UsageError("--dev runs one worker")
    if dev and read_only:
        raise click.UsageError("--dev and --read-only exclude each other")
    loaded = read_settings(config, dev=dev)
    from identra.serve import serve

    return serve(loaded, dev=dev, workers=workers, read_only=read_only)
