"""What is wrong with the settings, in one line that names the key and never a secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

from identra.errors import OperatorError
from identra.settings.masking import MASK, secret_values
from identra.settings.said import PREFIX, At, Flat, dotted

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel, ValidationError


class SettingsError(OperatorError):
    """Settings that can't be used. Its text is one line: the file, the key, what is wrong.

    A value from the environment is named by its variable. No secret's value is ever in it.
    """


def fault(where: str, says: str) -> SettingsError:
    """The one line for a place (a variable, or a file and its key) and what is wrong there."""
    return SettingsError(" ".join(f"{where}: {says}".split()))


def place(at: At, flat: Flat, file: Path | None) -> str:
    """Where a key was said: its variable, its spelling in the file, or the key alone."""
    if at in flat:
        return flat[at].where
    below = [said.where for path, said in flat.items() if path[: len(at)] == at]
    if at and below and all(where.startswith(PREFIX) for where in below):
        return below[0]
    key = dotted(at) or "settings"
    return key if file is None else f"{file}: {key}"


def from_validation(
    error: ValidationError, model: type[BaseModel], flat: Flat, file: Path | None
) -> SettingsError:
    """The first fault that a model found, told in our words."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    at = tuple(str(part) for part in first["loc"] if part != "[key]")
    written = _written(at, flat)
    says = _plainly(first["type"], first["msg"], at, model)
    return fault(place(written, flat, file), _without(says, flat))


def _written(at: At, flat: Flat) -> At:
    """The longest beginning of a model's own path that somebody wrote; the path where none is."""
    for end in range(len(at), 0, -1):
        if at[:end] in flat:
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

    from identra.settings.shape import keys_of, model_at

    inner = model_at(model, at[:-1])
    near = get_close_matches(at[-1], keys_of(inner), n=1) if inner is not None else []
    return f"; did you mean {near[0]}?" if near else ""


def _without(says: str, flat: Flat) -> str:
    for value in secret_values(flat):
        says = says.replace(value, MASK)
    return says
