"""What commands print: a table for people, JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from identra.values import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def instant(microseconds: int | None) -> str | None:
    """An instant as RFC 3339 in UTC, to the second."""
    return None if microseconds is None else rfc3339(microseconds)


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Columns as wide as their longest entry, under their names."""
    cells = [list(names)] + [["" if value is None else str(value) for value in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    for row in cells:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        click.echo(line.rstrip())
