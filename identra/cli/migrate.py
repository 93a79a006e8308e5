"""`identra migrate`: bring the database's tables up to this release."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click

from identra.cli import config_option, read_settings

if TYPE_CHECKING:
    from identra.db.migrations import Standing, Step
    from identra.settings import Loaded

ENGINES = ("sqlite", "postgres", "mysql", "mariadb", "cockroach")


@click.command("migrate")
@click.option("--check", is_flag=True, help="Change nothing; exit 1 if there is something to do.")
@click.option("--plan", is_flag=True, help="Change nothing; print the SQL of what there is to do.")
@click.option(
    "--engine",
    type=click.Choice(ENGINES),
    help="With --plan: from an empty database of this kind, without looking at any.",
)
@config_option
def command(config: Path | None, engine: str | None, *, check: bool, plan: bool) -> int:
    """Bring the database's tables up to this release."""
    if check and plan:
        raise click.UsageError("--check and --plan exclude each other")
    if engine and not plan:
        raise click.UsageError("--engine goes with --plan")
    if engine:
        return _print_plan_from_nothing(engine)
    loaded = read_settings(config)
    if plan:
        click.echo(asyncio.run(_plan(loaded)))
        return 0
    if check:
        return _check(asyncio.run(_standing(loaded)))
    taken, found = asyncio.run(_migrate(loaded))
    click.echo("\n".join(f"done: {step}" for step in taken) or _up_to_date(found))
    return 0


def _print_plan_from_nothing(engine: str) -> int:
    from identra.db.migrations import plan_from_nothing
    from identra.db.migrations.plan import written

    click.echo(written(plan_from_nothing(engine)))
    return 0


def _check(found: Standing) -> int:
    click.echo("\n".join(f"pending: {step}" for step in found.pending) or _up_to_date(found))
    return 1 if found.pending else 0


def _up_to_date(found: Standing) -> str:
    if found.newer:
        return f"up to date: a newer release took step {found.newer}, and this one can work with it"
    return "up to date"


async def _plan(loaded: Loaded) -> str:
    from identra.app import opened_database
    from identra.db.migrations import plan_from_nothing, plan_of, standing
    from identra.db.migrations.plan import written

    if _is_absent(loaded):
        return written(plan_from_nothing("sqlite"))
    async with opened_database(loaded) as db:
        plan = await plan_of(db)
        return written(plan) if plan.steps else f"-- {_up_to_date(await standing(db))}"


async def _standing(loaded: Loaded) -> Standing:
    from identra.app import opened_database
    from identra.db.migrations import STEPS, Standing, standing

    if _is_absent(loaded):
        return Standing(STEPS)
    async with opened_database(loaded) as db:
        return await standing(db)


def _is_absent(loaded: Loaded) -> bool:
    """Whether opening the database would make a file, which then belonged to whoever looks."""
    place = loaded.tree.persistence
    return place.driver == "sqlite" and not Path(place.name).exists()


async def _migrate(loaded: Loaded) -> tuple[list[Step], Standing]:
    from identra.app import opened_database
    from identra.db.migrations import migrate, standing

    async with opened_database(loaded) as db:
        return await migrate(db), await standing(db)
