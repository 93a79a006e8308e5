"""The command line: a table of commands, each imported when it is called.

Exit 0: done. Exit 1: refused or failed, with one plain line on stderr. Exit 2: wrong usage.
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from keyword import iskeyword
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from identra.settings import Loaded

COMMANDS = {
    "serve": "Run the service.",
    "migrate": "Bring the database's tables up to this release.",
    "config": "Check and show the settings.",
    "keys": "The keys that sign tokens.",
    "admin-keys": "The keys of programs that do what operators do.",
    "users": "The users and their sessions.",
    "limits": "What is spent of allowances.",
    "copy": "Copy everything into another database.",
    "import": "Take in the users of another service.",
    "plugins": "The plugins and what they are called.",
    "mail": "The letters that leave, and how each of them looks.",
    "doctor": "What is wrong with this installation, and what to do.",
    "events": "What happened to accounts.",
    "webhooks": "What others are told of it.",
    "explain": "Why an attempt to get in went as it did.",
    "housekeeping": "Remove what is over.",
    "openapi": "Print the description of the REST interface.",
}
"""Every command and its one line of help: the attribute `command` of identra.cli.NAME, with a
trailing underscore where Python keeps the name for itself, and one for each hyphen."""


class Commands(click.Group):
    """A group that knows its commands' names and help, and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own shape
        """The names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's own shape
        """Import a command; None for a name that is not in the table."""
        if cmd_name not in COMMANDS:
            return None
        module = f"{cmd_name}_" if iskeyword(cmd_name) else cmd_name.replace("-", "_")
        command = import_module(f"identra.cli.{module}").command
        assert isinstance(command, click.Command)  # noqa: S101 - tells mypy what the table promises
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's own shape
        """Write the table without importing what it names."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="identra", message="%(package)s %(version)s")
def command() -> None:
    """Authentication and user management that runs from one command."""


config_option = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The settings' file; without it $IDENTRA_CONFIG, then the usual places.",
)
"""Gives a command `config: Path | None`, to be handed to `read_settings`."""


def read_settings(config: Path | None, *, dev: bool = False) -> Loaded:
    """The settings of this process, their warnings told on stderr. Raises SettingsError."""
    import os

    from identra.settings import load

    loaded = load(config, os.environ, dev=dev)
    for warning in loaded.warnings:
        click.echo(f"warning: {warning}", err=True)
    return loaded


def main() -> NoReturn:
    """Run the command line and leave the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and answer its exit code; failures are told on stderr."""
    try:
        done = command.main(arguments, prog_name="identra", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return _fail("interrupted")
    except click.ClickException as error:
        return _fail(error.format_message())
    except Exception as error:  # noqa: BLE001 - the last door: every failure leaves as one line
        return _fail(_told(error))
    return done if isinstance(done, int) else 0


def _fail(line: str) -> int:
    click.echo(" ".join(f"identra: {line}".split()), err=True)
    return 1


def _told(error: Exception) -> str:
    """A failure in one line; one that nobody named tells its kind and place, not its values."""
    from identra.errors import IdentraError, OperatorError

    if isinstance(error, OperatorError):
        return str(error)
    if isinstance(error, IdentraError):
        return f"{error.says} ({error.detail})" if error.detail else error.says
    if isinstance(error, OSError):
        says = error.strerror or str(error)
        return f"{error.filename}: {says}" if error.filename else says
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"unexpected {type(error).__name__} at {last.filename}:{last.lineno}"
