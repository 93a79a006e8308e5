"""`identra users export` and `import`: users to a file and back."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from identra.cli import config_option, read_settings
from identra.cli.acting import BY
from identra.cli.printing import json_option, print_json
from identra.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from identra.portable import Entry, Outcome, Record
    from identra.settings import Loaded

MOST_TOLD = 100
"""Lines at fault that are told one by one."""

dry_run_option = click.option("--dry-run", is_flag=True, help="Check all of it, change nothing.")
skip_option = click.option(
    "--skip-faulty", is_flag=True, help="Take in the others; without it one fault stops all."
)


@click.command("export")
@click.argument("who", metavar="[USER_ID|EMAIL]", required=False)
@click.option(
    "--to", "to", type=click.Path(path_type=Path), metavar="FILE", help="Without it, the screen."
)
@config_option
def export(config: Path | None, who: str | None, to: Path | None) -> None:
    """Write every user, with addresses, identities and password hashes, as JSON Lines.

    Of one user write all that is held about her as one JSON document, without her hashes.
    """
    loaded = read_settings(config)
    write = partial(_export, loaded) if who is None else partial(_export_one, loaded, who)
    if to is None:
        asyncio.run(write(sys.stdout))
        return
    # A new file, for its owner's eyes alone: it holds every hash.
    descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as opened:
        count = asyncio.run(write(opened))
    click.echo(f"{count} users in {to}", err=True)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@dry_run_option
@skip_option
@json_option
@config_option
def import_(
    config: Path | None, file: Path, *, dry_run: bool, skip_faulty: bool, as_json: bool
) -> int:
    """Take in the users of a file. Told again it goes on where it stopped."""
    loaded = read_settings(config)

    async def read() -> AsyncIterator[Entry]:
        from identra.portable import read

        for entry in read(file):
            yield entry

    taking = take_all(loaded, read, str(file), dry_run=dry_run, skip_faulty=skip_faulty)
    return tell(asyncio.run(taking), dry_run=dry_run, as_json=as_json)


async def take_all(
    loaded: Loaded,
    read: Callable[[], AsyncIterator[Entry]],
    source: str,
    *,
    dry_run: bool,
    skip_faulty: bool,
) -> Outcome:
    """Read a source twice: to find every fault before anything is changed, then to take it in."""
    from identra.app import opened_arrivals
    from identra.portable import Outcome

    faulty = await _find_faults(read(), source)
    if faulty and not skip_faulty:
        raise OperatorError(f"{source}: {len(faulty)} lines at fault; nothing was changed")
    whole = Outcome()
    async with opened_arrivals(loaded) as arrivals:
        async for part in arrivals.take(_without(read(), faulty), dry_run=dry_run):
            tell_refused(source, part.refused, already=len(whole.refused))
            whole.add(part)
            _show_progress(whole)
    whole.refused += [(number, "at fault") for number in faulty]
    return whole


async def _find_faults(entries: AsyncIterator[Entry], source: str) -> set[int]:
    from identra.portable import Register

    register, faulty = Register(), set[int]()
    async for number, said in entries:
        if faults := register.faults(number, said):
            tell_refused(source, [(number, says) for says in faults], already=len(faulty))
            faulty.add(number)
    return faulty


async def _without(
    entries: AsyncIterator[Entry], faulty: set[int]
) -> AsyncIterator[tuple[int, Record]]:
    async for number, said in entries:
        if number not in faulty and not isinstance(said, str):
            yield number, said


def tell(outcome: Outcome, *, dry_run: bool, as_json: bool) -> int:
    """Tell what came of it; the command's exit code."""
    told = {"imported": outcome.came, "unchanged": outcome.here, "refused": len(outcome.refused)}
    if as_json:
        print_json({**told, "dry_run": dry_run})
    else:
        would = "would be " if dry_run else ""
        click.echo(", ".join(f"{count} {would}{name}" for name, count in told.items()))
    return 1 if outcome.refused else 0


def tell_refused(source: str, refused: list[tuple[int, str]], *, already: int) -> None:
    """One line on stderr for each, up to a hundred in all."""
    for number, says in refused[: max(0, MOST_TOLD - already)]:
        click.echo(f"{source}: line {number}: {says}", err=True)


def _show_progress(outcome: Outcome) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{outcome.seen} users", nl=False, err=True)


async def _export_one(loaded: Loaded, who: str, to: TextIO) -> int:
    from identra.app import opened_office

    async with opened_office(loaded) as office:
        document = await office.export(who, by=BY)
    to.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    return 1


async def _export(loaded: Loaded, to: TextIO) -> int:
    from identra.app import opened_database
    from identra.app.preparing import settle_schema
    from identra.portable import leaving, write

    async with opened_database(loaded) as db:
        await settle_schema(db)
        return await write(to, leaving(db))
