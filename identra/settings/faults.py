"""What is wrong with the settings, in one line that names the key and never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.errors import OperatorError
from identra.settings.masking import MASK
from identra.settings.outline import keys_of, model_at
from identra.settings.said import PREFIX, At, Flat, dotted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import BaseModel, ValidationError


class SettingsError(OperatorError):
    """Settings that can't be used. Its text is one line: the file, the key, what is wrong.

    A value from the environment is named by its variable. No secret's value is ever in it.
    """


def fault(where: str, says: str) -> SettingsError:
    """The one line for a place (a variable, or a file and its key) and what is wrong there."""
    return SettingsError(" ".join(f"{where}: {says}".split()))


def prefix_of(file: Path | None) -> str:
    """What stands before a key: its file, where there is one."""
    return "" if file is None else f"{file}: "


def place(at: At, flat: Flat, prefix: str) -> str:
    """Where a key was said: its variable, its spelling in the file, or `prefix` and the key."""
    if at in flat:
        return flat[at].where
    below = [said.where for path, said in flat.items() if path[: len(at)] == at]
    if at and below and all(where.startswith(PREFIX) for where in below):
        return below[0]
    return f"{prefix}{dotted(at)}" if at else f"{prefix}settings"


def from_validation(
    error: ValidationError, model: type[BaseModel], flat: Flat, prefix: str, hidden: Sequence[str]
) -> SettingsError:
    """The first fault that a model found, told in our words; a `hidden` text is masked."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    at = tuple(str(part) for part in first["loc"] if part != "[key]")
    says = _plainly(first["type"], first["msg"], at, model)
    said = _said(at, flat)
    where = place(said, flat, prefix) + _within_table(at[len(said) :])
    return fault(where, _without(says, hidden))


def _within_table(rest: At) -> str:
    """The way on to a key in one of a list's tables, which are counted from 0."""
    is_key = len(rest) > 1 and rest[0].isdigit()
    return f".{dotted(rest)}" if is_key else ""


def _said(at: At, flat: Flat) -> At:
    """The way to the value that somebody said, where a model points within it."""
    for end in range(len(at), 0, -1):
        if at[:end] in flat and flat[at[:end]].value != {}:
            return at[:end]
    return at


def _plainly(kind: str, message: str, at: At, model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        return f"unknown key{_nearest(at, model)}"
    if kind == "missing":
        return "is missing"
    if kind in {"model_type", "dict_type", "model_attributes_type"}:
        return "is a section of keys, not a value"
    return message.removeprefix("Value error, ").replace("Input should", "should")


def _nearest(at: At, model: type[BaseModel]) -> str:
    from difflib import get_close_matches

    inner = model_at(model, at[:-1])
    near = get_close_matches(at[-1], keys_of(inner), n=1) if inner is not None else []
    return f"; did you mean {near[0]}?" if near else ""


def _without(says: str, hidden: Sequence[str]) -> str:
    for text in hidden:
        says = says.replace(text, MASK)
    return says
