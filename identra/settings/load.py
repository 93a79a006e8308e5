"""Loading the settings: a file, the environment over it, and one line when something is wrong."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from identra.settings.faults import fault, place, prefix_of
from identra.settings.original import as_ours, without_empty_mailer
from identra.settings.said import PREFIX, Flat, Said, flatten, overlay
from identra.settings.shape import read
from identra.settings.tree import SettingsTree, unfit_for_development

if TYPE_CHECKING:
    from collections.abc import Mapping

PLACES = (
    Path("configs/identra.toml"),
    Path("configs/grpc/default.toml"),
    Path("/etc/identra/identra.toml"),
)
"""Where a file is looked for, in order, when none is named."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings, the file they came from (None: no file), and what an operator should know."""

    tree: SettingsTree
    file: Path | None
    warnings: tuple[str, ...] = ()


def load(path: Path | None, environ: Mapping[str, str], *, dev: bool = False) -> Loaded:
    """The settings of a file and, over it, of `IDENTRA_` variables.

    Without a path the file is `$IDENTRA_CONFIG` or the first of PLACES; without any, the
    defaults. `dev` changes the default of `password.registration` to "immediate" and refuses
    what development mode can't run on. Any fault is a SettingsError of one line that names the
    key (or variable) and the file.
    """
    file = path or _find(environ)
    said, warnings = as_ours(_from_file(file))
    above, more = as_ours(_from_environment(environ))
    flat = without_empty_mailer(overlay(said, above))
    if dev:
        flat.setdefault(("password", "registration"), Said("immediate", "development mode"))
    tree = read(SettingsTree, flat, file)
    if dev and (unfit := unfit_for_development(tree)) is not None:
        key, says = unfit
        raise fault(place(tuple(key.split(".")), flat, prefix_of(file)), says)
    return Loaded(tree, file, warnings + more)


def _find(environ: Mapping[str, str]) -> Path | None:
    named = environ.get("IDENTRA_CONFIG")
    if named:
        return Path(named)
    return next((candidate for candidate in PLACES if candidate.is_file()), None)


def _from_file(file: Path | None) -> Flat:
    return {} if file is None else flatten(_table(file), prefix_of(file))


def _table(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8"))
    except OSError as error:
        raise fault(str(file), f"can't be read: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise fault(str(file), f"is no TOML: {error}") from None
    except ValueError:
        raise fault(str(file), "is not UTF-8 text") from None
    except RecursionError:
        raise fault(str(file), "is nested too deeply") from None


def _from_environment(environ: Mapping[str, str]) -> Flat:
    return {
        tuple(name.removeprefix(PREFIX).lower().split("__")): _variable(name, environ[name])
        for name in sorted(environ)
        if name.startswith(PREFIX) and not _is_no_setting(name)
    }


def _is_no_setting(name: str) -> bool:
    return name == "IDENTRA_CONFIG" or name.startswith("IDENTRA_TEST_")


def _variable(name: str, value: str) -> Said:
    if name != name.upper():
        raise fault(name, "unknown variable; names are upper case")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise fault(name, "is not UTF-8 text") from None
    return Said(value, name)
