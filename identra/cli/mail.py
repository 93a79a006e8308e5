"""`identra mail`: the letters there are, and how each of them looks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from identra.cli import config_option, read_settings
from identra.cli.printing import json_option, print_json, print_table
from identra.locales import LOCALES
from identra.mail.letters import LEAVES, NAMES, open_letters, sample

if TYPE_CHECKING:
    from identra.locales import Locale
    from identra.mail import Letters
    from identra.mail.letters import Name

locale_option = click.option(
    "--locale", type=click.Choice(LOCALES), help="The language; mail.default_locale when not said."
)


@click.group("mail")
def command() -> None:
    """The letters that leave, and how each of them looks."""


@command.command("list")
@locale_option
@json_option
@config_option
def list_(config: Path | None, locale: Locale | None, *, as_json: bool) -> None:
    """Every letter, the files it is made of, and when it leaves."""
    letters = _open(config)
    rows = [_row(letters, name, locale or letters.default) for name in NAMES]
    if as_json:
        print_json({"letters": rows})
        return
    shown = ("name", "text", "html", "leaves")
    print_table(shown, [[row[column] for column in shown] for row in rows])


@command.command("preview")
@click.argument("name", type=click.Choice(NAMES), metavar="NAME")
@locale_option
@click.option("--text", "part", flag_value="text", default=True, help="The text, with its subject.")
@click.option("--html", "part", flag_value="html", help="The HTML instead.")
@click.option("--link", is_flag=True, help="With the link that magic_link's letters have.")
@click.option("--to", type=click.Path(path_type=Path), metavar="FILE", help="Write it there.")
@config_option
def preview(  # noqa: PLR0913 - its options, each by name
    config: Path | None,
    name: Name,
    locale: Locale | None,
    part: str,
    to: Path | None,
    *,
    link: bool,
) -> None:
    """Print a letter as it would leave, with values of nobody's."""
    from time import time_ns

    letters = _open(config)
    facts = sample(name, time_ns() // 1000, link=link)
    letter = letters.write(name, "you@example.com", locale or letters.default, facts)
    plain = f"Subject: {letter.subject}\n\n{letter.text}"
    shown = (letter.html or "") if part == "html" else plain
    if to is None:
        click.echo(shown, nl=False)
    else:
        to.write_text(shown, encoding="utf-8")


def _open(config: Path | None) -> Letters:
    from time import time_ns

    return open_letters(read_settings(config).tree.mail, lambda: time_ns() // 1000)


def _row(letters: Letters, name: Name, locale: Locale) -> dict[str, str]:
    return {
        "name": name,
        "text": letters.source(name, "txt", locale),
        "html": letters.source(name, "html", locale),
        "leaves": LEAVES[name],
    }
