"""The page of commands says every command with its arguments and options."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import handbook
import pytest

from identra.cli import command as root

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = "docs/reference/commands.md"
SECTIONS = handbook.sections(PAGE, 3)


def leaves(group: click.Group, words: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found, name
        if isinstance(found, click.Group):
            yield from leaves(found, f"{words} {name}")
        else:
            yield f"{words} {name}", found


def heading(words: str, command: click.Command) -> str:
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    return " ".join([words, *(a.metavar or (a.name or "").upper() for a in arguments)])


COMMANDS = {heading(words, found): found for words, found in leaves(root, "identra")}


def test_every_command_has_its_section_and_no_other() -> None:
    assert set(SECTIONS) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_lists_its_options_and_every_command_takes_config(name: str) -> None:
    options = [p for p in COMMANDS[name].params if isinstance(p, click.Option)]
    told = [handbook.coded(row[0])[0] for row in handbook.rows(SECTIONS[name], "option")]
    given = {option.opts[0] for option in options}
    assert "--config" in given
    assert set(told) == given - {"--config"}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_default_or_a_range_of_an_option_is_told(name: str) -> None:
    rows = {handbook.coded(r[0])[0]: r[1] for r in handbook.rows(SECTIONS[name], "option")}
    for option in COMMANDS[name].params:
        if isinstance(option.type, click.IntRange):
            told = rows[option.opts[0]]
            assert f"{option.type.min} to {option.type.max}; {option.default} when" in told


def test_no_command_takes_a_secret_as_an_argument() -> None:
    for name, command in COMMANDS.items():
        for parameter in command.params:
            takes_text = isinstance(parameter, click.Argument) or not parameter.is_flag
            secret = {"password", "secret", "token", "code"} & {parameter.name}
            assert not (takes_text and secret), name
